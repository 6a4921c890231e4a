import { beforeEach, expect, test, vi } from 'vitest';
import { remember, take } from '../src/live/comeback.ts';

const kept = new Map<string, string>();
vi.stubGlobal('localStorage', {
  getItem: (key: string) => kept.get(key) ?? null,
  setItem: (key: string, value: string) => kept.set(key, value),
  removeItem: (key: string) => kept.delete(key),
});

beforeEach(() => kept.clear());

test('a scanned label is opened after signing in, once', () => {
  remember('#/bind/btn-0017', 0);
  expect(take(60_000)).toBe('#/bind/btn-0017');
  expect(take(60_000)).toBeNull();
});

test('not after a quarter of an hour, and not what somebody else has written there', () => {
  remember('#/bind/btn-0017', 0);
  expect(take(15 * 60_000)).toBeNull();
  remember('#/queue/7', 0);
  expect(take(1)).toBeNull();
  kept.set('cloudfamily.comeback', '{"hash":"https://elsewhere.example","until":99}');
  expect(take(1)).toBeNull();
  kept.set('cloudfamily.comeback', 'nonsense');
  expect(take(1)).toBeNull();
});
