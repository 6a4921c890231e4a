import { expect, test } from 'vitest';
import { filled, formatClock, lineOf, secondsBetween, secondsSince } from '../src/live/clock.ts';
import { observeServerTime, serverNow } from '../src/live/now.ts';

test.each([
  [0, '0:00'],
  [42, '0:42'],
  [60, '1:00'],
  [3599, '59:59'],
  [3725, '1:02:05'],
  [86_399, '23:59:59'],
  [200_000, '2天 07:33'],
])('%i seconds read %s', (seconds, text) => {
  expect(formatClock(seconds, '天')).toBe(text);
});

test.each([
  [59, 'within'],
  [60, 'past_first'],
  [179, 'past_first'],
  [180, 'past_second'],
] as const)('%i seconds are %s', (seconds, line) => {
  expect(lineOf(seconds)).toBe(line);
});

test('the bar is a third full at 60 s and never overflows', () => {
  expect(filled(60)).toBeCloseTo(1 / 3);
  expect(filled(999)).toBe(1);
});

test('a desk whose clock is slow does not show negative times', () => {
  expect(secondsSince('2026-11-23T08:00:10Z', Date.parse('2026-11-23T08:00:00Z'))).toBe(0);
  expect(secondsBetween('2026-11-23T08:00:00Z', '2026-11-23T08:01:30.900Z')).toBe(90);
});

test('a desk whose clock is five minutes slow counts by the server’s clock', () => {
  const here = Date.now();
  observeServerTime(new Date(here + 300_000).toUTCString(), here, here);
  expect(serverNow() - Date.now()).toBeGreaterThan(298_000);
  observeServerTime(new Date(here).toUTCString(), here, here);
  expect(Math.abs(serverNow() - Date.now())).toBeLessThan(50);
});
