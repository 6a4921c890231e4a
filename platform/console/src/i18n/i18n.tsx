/** The reader's language for the whole page: own labels, the platform's texts, times, `<html lang>`. */

import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from 'react';
import { ApiError, get } from '../api/client.ts';
import type { District, Language, Params } from '../api/types.ts';
import { serverNow } from '../live/now.ts';
import {
  type Catalogue,
  daysUntil,
  districtName,
  formatDay,
  formatMinutes,
  formatTime,
  label,
  ownWord,
  serverText,
  type Translate,
} from './format.ts';

const STORAGE_KEY = 'cloudfamily.language';
const RETRY_MS = 3_000;

export interface I18n {
  language: Language;
  setLanguage(language: Language): void;
  t: Translate;
  /** A text of the platform by key. */
  said(key: string, params?: Params): string;
  /** The console's own label for a computed key, if it has one. */
  own(key: string): string | undefined;
  /** A word such as a state or a kind of device: ours, else the platform's, else the raw one. */
  word(prefix: string, value: string): string;
  district(district: District | null): string | null;
  time(iso: string, withSeconds?: boolean): string;
  /** A day such as `2026-12-24`. */
  date(day: string): string;
  daysUntil(day: string): number;
  minutes(total: number): string;
}

const Context = createContext<I18n | null>(null);

export function useI18n(): I18n {
  const i18n = useContext(Context);
  if (!i18n) throw new Error('useI18n needs an I18nProvider above it');
  return i18n;
}

export function rememberedLanguage(): Language {
  const remembered = localStorage.getItem(STORAGE_KEY) ?? navigator.language;
  return remembered.startsWith('zh') ? 'zh-CN' : 'en';
}

export function I18nProvider({ children }: { children: ReactNode }) {
  const [language, setLanguage] = useState(rememberedLanguage);
  const catalogue = useCatalogue(language);

  useEffect(() => {
    document.documentElement.lang = language;
    localStorage.setItem(STORAGE_KEY, language);
  }, [language]);

  const i18n = useMemo(() => makeI18n(language, setLanguage, catalogue), [language, catalogue]);
  return <Context value={i18n}>{children}</Context>;
}

export function makeI18n(
  language: Language,
  setLanguage: (language: Language) => void,
  catalogue: Catalogue,
): I18n {
  const t: Translate = (key, params) => label(language, key, params);
  return {
    language,
    setLanguage,
    t,
    said: (key, params) => serverText(catalogue, key, params),
    own: (key) => ownWord(language, key),
    word: (prefix, value) =>
      ownWord(language, `${prefix}.${value}`) ?? catalogue[`${prefix}.${value}`] ?? value,
    district: (district) => districtName(language, district),
    time: (iso, withSeconds) => formatTime(language, iso, serverNow(), withSeconds),
    date: (day) => formatDay(language, day, serverNow()),
    daysUntil: (day) => daysUntil(day, serverNow()),
    minutes: (total) => formatMinutes(t, total),
  };
}

const loaded = new Map<Language, Catalogue>();
const NOTHING: Catalogue = {};

/** The platform's texts in one language, fetched once; tried again until they are there. */
function useCatalogue(language: Language): Catalogue {
  const [, setArrived] = useState(0);

  useEffect(() => {
    if (loaded.has(language)) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let wanted = true;
    const load = async () => {
      try {
        loaded.set(language, await get<Catalogue>(`/api/texts?language=${language}`));
        if (wanted) setArrived((count) => count + 1);
      } catch (error) {
        const signedOut = error instanceof ApiError && error.status === 401;
        if (wanted && !signedOut) timer = setTimeout(load, RETRY_MS);
      }
    };
    void load();
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [language]);

  return loaded.get(language) ?? NOTHING;
}
