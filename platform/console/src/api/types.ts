/** What the platform says over HTTP. Times are ISO 8601 in UTC. */

export type Role = 'operator' | 'supervisor' | 'caregiver' | 'volunteer' | 'family';
export type Language = 'zh-CN' | 'en';
export type Severity = 'critical' | 'high' | 'low';
export type AlertState = 'open' | 'accepted' | 'on_the_way' | 'there' | 'inside' | 'resolved';
export type Outcome = 'real' | 'false_alarm' | 'test' | 'merged' | 'recovered';
export type Params = Readonly<Record<string, unknown>>;

export interface District {
  code: string;
  name_zh: string;
  name_en: string;
}

export interface Me {
  person: { id: number; code: string; name: string; language: Language };
  roles: Role[];
  role: Role;
  districts: unknown[] | null;
  csrf: string;
}

export interface Alert {
  id: number;
  kind: string;
  severity: Severity;
  state: AlertState;
  opened_at: string;
  accepted_at: string | null;
  on_the_way_at: string | null;
  there_at: string | null;
  inside_at: string | null;
  resolved_at: string | null;
  outcome: Outcome | null;
  district: District | null;
  home: string | null;
  elder: string | null;
  address: string | null;
  device: string | null;
  why: { key: string; params: Params };
  handler: { id: number; name: string } | null;
  presses: number;
  step: number;
  canary: boolean;
}

export interface AlertEvent {
  id: number;
  alert_id: number;
  at: string;
  kind: string;
  actor: string | null;
  params: Params;
}

export interface StreamMessage {
  alert: Alert;
  event: AlertEvent;
}

export interface Elder {
  name: string;
  age: number | null;
  sex: string | null;
  conditions: string[];
  medicines: string[];
  languages: string[];
  hearing: string | null;
  notes: string | null;
}

export interface Contact {
  name: string;
  relation: string;
  phone: string | null;
  rank: number;
}

export interface Device {
  code: string;
  kind: string;
  battery: number | null;
  last_seen_at: string | null;
}

export interface HomeCard {
  elders: Elder[];
  home: {
    code: string;
    address: string;
    key_code: string | null;
    lat: number;
    lon: number;
    district: District | null;
  };
  contacts: Contact[];
  devices: Device[];
}

/** Why somebody is asked: seconds until they are inside, of which so many on the way. Empty for offers of an older version. */
export interface OfferWhy {
  seconds?: number;
  travel_s?: number;
  mode?: string;
  key?: boolean;
}

export interface Offer {
  person: string;
  role: string | null;
  state: string;
  distance_m: number | null;
  why: OfferWhy;
  reason: string | null;
  offered_at: string;
}

export interface AlertDetail {
  alert: Alert;
  card: HomeCard | null;
  timeline: AlertEvent[];
  offers: Offer[];
}

export interface AlertList {
  alerts: Alert[];
  position: number;
}

export interface HomeRow {
  code: string;
  district: District | null;
  elders: string[];
  address: string;
  lat: number;
  lon: number;
  live_alerts: number;
  last_seen_at: string | null;
}

export interface Reading {
  at: string;
  device: string;
  quantity: string;
  value: number;
}

export interface HomeDetail extends HomeCard {
  recent: Reading[];
}

export interface Frame {
  id: number;
  received_at: string;
  topic: string;
  device: string | null;
  reason: string;
  detail: string | null;
  size: number;
  sample: string | null;
  /** How often the same message came. */
  times?: number;
  cleared_at: string | null;
}

/** A device that has no home yet. */
export interface UnboundDevice {
  device: string;
  family: string;
  kind: string;
  vendor: string | null;
  model: string | null;
  name: string | null;
  first_seen_at: string | null;
  last_seen_at: string | null;
  /** How many alerts it has raised that are not over. */
  live_alerts: number;
}

export interface BoundDevice extends Omit<UnboundDevice, 'live_alerts'> {
  home: string | null;
  address: string | null;
}

export interface Command {
  id: number;
  /** siren, light, voice, interval, test, or answer: what it was told when it called. */
  do: string;
  params: Params;
  state: 'queued' | 'sent' | 'delivered' | 'done' | 'failed' | 'expired';
  created_at: string;
  error: string | null;
  by: string | null;
}

export interface Quarantine {
  frames: Frame[];
  unbound: UnboundDevice[];
}

export interface Visit {
  id: number;
  person: string;
  home: string;
  started_at: string;
  ended_at: string;
  minutes: number;
  verified_at: string | null;
  credited: boolean | number | null;
}

export interface Transfer {
  id: string | number;
  at: string;
  /** Negative: given away. */
  minutes: number;
  unit?: 'exchangeable' | 'honour';
  kind: string;
  reason: string | null;
}

export interface Balance {
  minutes: number;
  held: number;
  honour_minutes?: number;
  transfers: Transfer[];
}

export interface Figures {
  readings_per_s: number;
  readings_total: number;
  open_alerts: number;
  deliveries: number;
  waiting: number;
  accepted_within_60_s: number | null;
}

export type DeviceState = 'ok' | 'silent' | 'offline' | 'quiet' | 'unbound';

export interface DeviceRow {
  code: string;
  home: string | null;
  district: District | null;
  kind: string;
  name: string | null;
  family: string;
  vendor: string | null;
  model: string | null;
  hub: string | null;
  state: DeviceState;
  promise: 'regular' | 'events';
  report_minutes: number;
  mains: boolean | null;
  last_seen_at: string | null;
  silent_since: string | null;
  offline_since: string | null;
  battery: number | null;
  /** A day, `2026-12-24`. */
  battery_empty_on: string | null;
}

export interface DeviceList {
  devices: DeviceRow[];
  counts: Partial<Record<DeviceState | 'all', number>>;
}

export type TestState = 'test' | 'real' | 'false_alarm' | 'open' | 'gap' | 'due' | 'before';

export interface TestWeek {
  /** Its Monday. */
  week: string;
  state: TestState;
  at: string | null;
}

export interface ButtonTest {
  code: string;
  home: string;
  district: District | null;
  gaps: number;
  last_at: string | null;
  /** This week first. */
  weeks: TestWeek[];
}

export interface Shortfall {
  what: Record<Language, string>;
  district: District | null;
  home: string | null;
  person: string | null;
}

/** Problems of one kind and severity; `problems` may name fewer than `count`. */
export interface ShortfallGroup {
  kind: string;
  severity: Severity;
  count: number;
  texts: Record<Language, { title: string; fix: string }>;
  problems: Shortfall[];
}

export interface UnansweredPerson {
  code: string;
  name: string;
  phone: string | null;
  /** Why they are told of alarms: family, operator, … */
  parts: string[];
  channel: string;
  /** So many tests in a row, the first of them `since`. */
  times: number;
  since: string;
  is_dead: boolean;
  /** null: the whole city. */
  district: District | null;
  homes: string[];
}
