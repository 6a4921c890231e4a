import type { ReactNode } from 'react';
import type { Alert, Figures } from '../api/types.ts';
import { useI18n } from '../i18n/i18n.tsx';
import { formatClock, secondsSince } from '../live/clock.ts';
import { useNow } from '../live/ticker.ts';
import { useFetched } from '../useFetched.ts';

const FIGURES_MS = 5_000;

/** The desk at a glance: how many wait, for how long, and how well it goes. */
export function QueueHead({ rows }: { rows: readonly Alert[] }) {
  const { t } = useI18n();
  const { value: figures } = useFetched<Figures>('/api/figures', FIGURES_MS);
  const real = rows.filter((alert) => !alert.canary);
  const waiting = real.filter((alert) => alert.state === 'open');
  const pressing = waiting.filter((alert) => alert.severity !== 'low');
  const quota = figures?.accepted_within_60_s;

  return (
    <div className="queue-head">
      <h1>{t('queue.title')}</h1>
      <dl className="figures">
        <Figure name={t('queue.waiting')} value={waiting.length} isStrong={waiting.length > 0} />
        <Figure name={t('queue.inHand')} value={real.length - waiting.length} />
        <Figure
          name={t('queue.longest')}
          value={pressing.length ? <Longest alerts={pressing} /> : t('none')}
        />
        <Figure
          name={t('queue.within60')}
          value={quota === null || quota === undefined ? t('none') : `${Math.round(quota * 100)} %`}
        />
        <Figure name={t('queue.readings')} value={figures ? figures.readings_per_s.toFixed(1) : t('none')} />
      </dl>
    </div>
  );
}

function Figure({ name, value, isStrong }: { name: string; value: ReactNode; isStrong?: boolean }) {
  return (
    <div className={isStrong ? 'figure figure-strong' : 'figure'}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Longest({ alerts }: { alerts: readonly Alert[] }) {
  const { t } = useI18n();
  const now = useNow();
  const longest = Math.max(...alerts.map((alert) => secondsSince(alert.opened_at, now)));
  return <>{formatClock(longest, t('day'))}</>;
}
