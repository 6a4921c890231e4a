/** Filling templates and writing times, numbers and distances in the reader's language; no I/O. */

import type { District, Language, Params } from '../api/types.ts';
import { en, type Key } from './en.ts';
import { zh } from './zh.ts';

export type Translate = (key: Key, params?: Params) => string;
export type Catalogue = Readonly<Record<string, string>>;

export function label(language: Language, key: Key, params: Params = {}): string {
  return fill((language === 'zh-CN' ? zh : en)[key], params);
}

/** The console's own label for a value such as a state, if it has one. */
export function ownWord(language: Language, key: string): string | undefined {
  const labels: Readonly<Record<string, string>> = language === 'zh-CN' ? zh : en;
  return labels[key];
}

/** `{name}` becomes the parameter; an unknown one stays visible rather than vanish. */
export function fill(template: string, params: Params): string {
  return template.replace(/\{(\w+)(?:[:!][^}]*)?\}/g, (whole, name: string) => {
    const value = params[name];
    return value === undefined || value === null ? whole : String(value);
  });
}

/** A server text by key. Without one: the last part of the key in words, so that nothing is ever blank. */
export function serverText(catalogue: Catalogue, key: string, params: Params = {}): string {
  const template = catalogue[key];
  if (template !== undefined) return fill(template, params);
  return (key.split('.').at(-1) ?? key).replaceAll('_', ' ');
}

export function districtName(language: Language, district: District | null): string | null {
  if (!district) return null;
  return language === 'zh-CN' ? district.name_zh : district.name_en;
}

/** Today: the time; otherwise month, day and time. */
export function formatTime(language: Language, iso: string, now: number, withSeconds = false): string {
  const date = new Date(iso);
  const isToday = date.toDateString() === new Date(now).toDateString();
  return new Intl.DateTimeFormat(language, {
    ...(isToday ? {} : { month: 'short', day: 'numeric' }),
    hour: '2-digit',
    minute: '2-digit',
    ...(withSeconds ? { second: '2-digit' } : {}),
    hourCycle: 'h23',
  }).format(date);
}

/** A day such as `2026-12-24`, whose year is told when it is not this one. */
export function formatDay(language: Language, day: string, now: number): string {
  const date = new Date(`${day}T00:00`);
  const isThisYear = date.getFullYear() === new Date(now).getFullYear();
  return new Intl.DateTimeFormat(language, {
    ...(isThisYear ? {} : { year: 'numeric' }),
    month: 'short',
    day: 'numeric',
  }).format(date);
}

/** Whole days from now to a day; below 0 when it is past. */
export function daysUntil(day: string, now: number): number {
  const today = new Date(now).setHours(0, 0, 0, 0);
  return Math.round((new Date(`${day}T00:00`).getTime() - today) / 86_400_000);
}

/** 210 → `3 h 30 min`; the sign is kept out. */
export function formatMinutes(translate: Translate, total: number): string {
  const size = Math.abs(total);
  const hours = Math.floor(size / 60);
  const minutes = size % 60;
  if (hours === 0) return translate('time.minutes', { minutes });
  return minutes === 0 ? translate('time.hours', { hours }) : translate('time.both', { hours, minutes });
}

export function formatDistance(metres: number): string {
  return metres < 1000 ? `${metres} m` : `${(metres / 1000).toFixed(1)} km`;
}
