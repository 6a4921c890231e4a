/** Makes a new alert heard and seen: sound, flashing title, a sentence for screen readers. */

import { useEffect, useRef, useState } from 'react';
import type { Alert } from '../api/types.ts';
import { useI18n } from '../i18n/i18n.tsx';
import { useLiveState, useSession } from '../session.tsx';
import * as shift from './shift.ts';
import { play } from './sound.ts';
import { flashTitle } from './title.ts';

const LOUD_EVENTS: ReadonlySet<string> = new Set(['opened', 'reopened', 'escalated', 'pressed_again']);
/** A critical alert that nobody has accepted sounds again this often. */
const REPEAT_MS = 15_000;

/** Returns the newest alert as a sentence. */
export function useAlarm(): string {
  const { live } = useSession();
  const i18n = useI18n();
  const latest = useRef(i18n);
  latest.current = i18n;
  const [sentence, setSentence] = useState('');

  useEffect(
    () =>
      live.onNews(({ alert, event }) => {
        if (alert.canary || alert.state !== 'open' || !LOUD_EVENTS.has(event.kind)) return;
        if (shift.isOn()) play(alert.severity);
        const { t, said } = latest.current;
        const kind = said(`alert.kind.${alert.kind}`);
        const elder = alert.elder ?? alert.device ?? '';
        flashTitle(t('queue.newTitle', { kind }));
        setSentence(t('queue.announce', { severity: t(`severity.${alert.severity}`), kind, elder }));
      }),
    [live],
  );

  useRepeat();
  return sentence;
}

function useRepeat(): void {
  const { alerts } = useLiveState();
  const isWaiting = [...alerts.values()].some(needsEars);
  useEffect(() => {
    if (!isWaiting) return;
    const timer = setInterval(() => {
      if (shift.isOn()) play('critical');
    }, REPEAT_MS);
    return () => clearInterval(timer);
  }, [isWaiting]);
}

function needsEars(alert: Alert): boolean {
  return alert.severity === 'critical' && alert.state === 'open' && !alert.canary;
}
