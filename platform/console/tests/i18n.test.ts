import { expect, test } from 'vitest';
import { en } from '../src/i18n/en.ts';
import { fill, formatMinutes, formatTime, label, ownWord, serverText } from '../src/i18n/format.ts';
import { zh } from '../src/i18n/zh.ts';

test('both languages have the same keys', () => {
  expect(Object.keys(zh).sort()).toEqual(Object.keys(en).sort());
});

test('both languages use the same placeholders', () => {
  const names = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();
  for (const key of Object.keys(en) as (keyof typeof en)[])
    expect([key, names(zh[key])]).toEqual([key, names(en[key])]);
});

test('mutual-aid time is never called a coin', () => {
  for (const text of Object.values(zh)) expect(text).not.toContain('币');
  for (const text of Object.values(en)) expect(text).not.toMatch(/\bcoins?\b/i);
});

test('templates are filled, and what is unknown stays visible', () => {
  expect(fill('{minutes} 分钟没有活动', { minutes: 480 })).toBe('480 分钟没有活动');
  expect(fill('{value:.1f} of {limit}', { value: 3 })).toBe('3 of {limit}');
});

test('a server text that is missing is still readable', () => {
  expect(serverText({}, 'alert.kind.water_leak')).toBe('water leak');
  expect(serverText({ 'event.opened': 'Opened' }, 'event.opened')).toBe('Opened');
});

test('words, times and minutes follow the language', () => {
  expect(ownWord('zh-CN', 'state.there')).toBe('已到现场');
  expect(ownWord('en', 'state.nowhere')).toBeUndefined();
  const t = (key: Parameters<typeof label>[1], params = {}) => label('en', key, params);
  expect([formatMinutes(t, 210), formatMinutes(t, 60), formatMinutes(t, -30)]).toEqual([
    '3 h 30 min',
    '1 h',
    '30 min',
  ]);
  const noon = new Date(2026, 10, 23, 12, 5).toISOString();
  expect(formatTime('en', noon, Date.parse(noon))).toBe('12:05');
  expect(formatTime('zh-CN', noon, Date.parse(noon) + 3 * 86_400_000)).toContain('11月23日');
});
