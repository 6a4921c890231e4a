import { describe, expect, test } from 'vitest';
import { answered, apply, EMPTY, inOrder, load } from '../src/live/store.ts';
import { alert, message } from './make.ts';

describe('stream messages', () => {
  test('a new alert appears and the position moves on', () => {
    const state = apply(load(EMPTY, [], 10), message(11, { id: 7 }));
    expect([...state.alerts.keys()]).toEqual([7]);
    expect(state.position).toBe(11);
  });

  test('the same message twice changes nothing at all', () => {
    const once = apply(EMPTY, message(11));
    expect(apply(once, message(11))).toBe(once);
  });

  test('an older message never overwrites a newer one', () => {
    const newer = apply(EMPTY, message(12, { state: 'accepted' }));
    expect(apply(newer, message(11, { state: 'open' }))).toBe(newer);
  });

  test('a resolved alert leaves, and its replayed beginning does not bring it back', () => {
    const opened = apply(EMPTY, message(11));
    const resolved = apply(opened, message(12, { state: 'resolved' }));
    expect(resolved.alerts.size).toBe(0);
    expect(apply(resolved, message(11)).alerts.size).toBe(0);
  });

  test('what is remembered of alerts that have gone has a limit', () => {
    let state = EMPTY;
    for (let id = 1; id <= 2_500; id += 1) state = apply(state, message(id, { id, state: 'resolved' }));
    expect(state.applied.size).toBeLessThanOrEqual(2_000);
    expect(state.applied.get(2_500)).toBe(2_500);
  });
});

describe('list loads', () => {
  test('the list replaces what is held', () => {
    const state = load(load(EMPTY, [alert({ id: 1 })], 5), [alert({ id: 2 })], 6);
    expect([...state.alerts.keys()]).toEqual([2]);
  });

  test('a list that was on its way while the stream said more does not take that away', () => {
    const streamed = apply(load(EMPTY, [], 10), message(12, { id: 3, state: 'accepted' }));
    const state = load(streamed, [alert({ id: 3, state: 'open' }), alert({ id: 4 })], 11);
    expect(state.alerts.get(3)?.state).toBe('accepted');
    expect(state.alerts.has(4)).toBe(true);
    expect(state.position).toBe(12);
  });

  test('an alert resolved meanwhile is not brought back by an older list', () => {
    const streamed = apply(apply(EMPTY, message(11)), message(12, { state: 'resolved' }));
    expect(load(streamed, [alert()], 11).alerts.size).toBe(0);
  });
});

describe('answers to buttons', () => {
  const held = load(EMPTY, [alert({ state: 'on_the_way' })], 1);

  test('show at once', () => {
    expect(answered(held, alert({ state: 'there' })).alerts.get(1)?.state).toBe('there');
    expect(answered(held, alert({ state: 'resolved' })).alerts.size).toBe(0);
  });

  test('never put an alert back', () => {
    expect(answered(held, alert({ state: 'accepted' }))).toBe(held);
  });
});

test('the queue is ordered by urgency, then by age, with self-tests last', () => {
  const rows = [
    alert({ id: 1, severity: 'low', opened_at: '2026-11-23T07:00:00Z' }),
    alert({ id: 2, severity: 'critical', opened_at: '2026-11-23T08:01:00Z' }),
    alert({ id: 3, severity: 'high', opened_at: '2026-11-23T07:30:00Z' }),
    alert({ id: 4, severity: 'critical', opened_at: '2026-11-23T08:00:00Z' }),
    alert({ id: 5, severity: 'critical', opened_at: '2026-11-23T06:00:00Z', canary: true }),
  ];
  expect(inOrder(rows).map((row) => row.id)).toEqual([4, 2, 3, 1, 5]);
});
