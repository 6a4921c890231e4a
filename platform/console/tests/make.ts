/** Small makers for the tests. */

import type { Alert, AlertEvent, StreamMessage } from '../src/api/types.ts';

export function alert(over: Partial<Alert> = {}): Alert {
  return {
    id: 1,
    kind: 'sos',
    severity: 'critical',
    state: 'open',
    opened_at: '2026-11-23T08:00:00.000Z',
    accepted_at: null,
    on_the_way_at: null,
    there_at: null,
    inside_at: null,
    resolved_at: null,
    outcome: null,
    district: null,
    home: 'WX-001',
    elder: '陈秀英',
    address: null,
    device: null,
    why: { key: 'alert.why.sos', params: {} },
    handler: null,
    presses: 1,
    step: 0,
    canary: false,
    ...over,
  };
}

export function event(over: Partial<AlertEvent> = {}): AlertEvent {
  return {
    id: 1,
    alert_id: 1,
    at: '2026-11-23T08:00:00.000Z',
    kind: 'opened',
    actor: null,
    params: {},
    ...over,
  };
}

export function message(eventId: number, over: Partial<Alert> = {}): StreamMessage {
  const about = alert(over);
  return { alert: about, event: event({ id: eventId, alert_id: about.id }) };
}
