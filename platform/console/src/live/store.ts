/**
 * The live alerts as one value. Everything here is pure: a list load, a stream message or an answer to a button
 * goes in with the old value, the new value comes out. The same message twice changes nothing.
 */

import type { Alert, AlertState, Severity, StreamMessage } from '../api/types.ts';

export interface LiveState {
  alerts: ReadonlyMap<number, Alert>;
  /** Alert id → id of the newest event that was applied to it, also for alerts that have gone. */
  applied: ReadonlyMap<number, number>;
  /** The newest event id seen: where the stream goes on. */
  position: number;
  loaded: boolean;
}

const REMEMBERED_ALERTS = 2_000;

export const EMPTY: LiveState = { alerts: new Map(), applied: new Map(), position: 0, loaded: false };

/** A fresh list replaces what is held, except alerts about which the stream has already said something newer. */
export function load(state: LiveState, list: readonly Alert[], position: number): LiveState {
  const isNewer = (id: number) => (state.applied.get(id) ?? 0) > position;
  const alerts = new Map<number, Alert>();
  for (const alert of list) if (!isNewer(alert.id) && alert.state !== 'resolved') alerts.set(alert.id, alert);
  for (const alert of state.alerts.values()) if (isNewer(alert.id)) alerts.set(alert.id, alert);
  return { ...state, alerts, position: Math.max(state.position, position), loaded: true };
}

/** One stream message. Returns the same value when it is old or known. */
export function apply(state: LiveState, { alert, event }: StreamMessage): LiveState {
  if (event.id <= (state.applied.get(alert.id) ?? 0)) return state;
  const applied = new Map(state.applied).set(alert.id, event.id);
  const alerts = put(state.alerts, alert);
  return { ...state, alerts, applied: forgetOldest(applied), position: Math.max(state.position, event.id) };
}

const ORDER_OF_STATES: readonly AlertState[] = [
  'open',
  'accepted',
  'on_the_way',
  'there',
  'inside',
  'resolved',
];

/** The answer to a button. The stream may already be further: an alert never goes back because of an answer. */
export function answered(state: LiveState, alert: Alert): LiveState {
  const held = state.alerts.get(alert.id);
  if (!held) return state;
  if (ORDER_OF_STATES.indexOf(alert.state) < ORDER_OF_STATES.indexOf(held.state)) return state;
  return { ...state, alerts: put(state.alerts, alert) };
}

function put(alerts: ReadonlyMap<number, Alert>, alert: Alert): ReadonlyMap<number, Alert> {
  const next = new Map(alerts);
  if (alert.state === 'resolved') next.delete(alert.id);
  else next.set(alert.id, alert);
  return next;
}

function forgetOldest(applied: Map<number, number>): ReadonlyMap<number, number> {
  if (applied.size <= REMEMBERED_ALERTS) return applied;
  const newestFirst = [...applied].sort((one, other) => other[1] - one[1]);
  return new Map(newestFirst.slice(0, REMEMBERED_ALERTS / 2));
}

const URGENCY: Record<Severity, number> = { critical: 0, high: 1, low: 2 };

/** Most urgent first, then the one that has waited longest; the platform's own test alerts come last. */
export function inOrder(alerts: Iterable<Alert>): Alert[] {
  return [...alerts].sort(
    (one, other) =>
      Number(one.canary) - Number(other.canary) ||
      URGENCY[one.severity] - URGENCY[other.severity] ||
      Date.parse(one.opened_at) - Date.parse(other.opened_at) ||
      one.id - other.id,
  );
}
