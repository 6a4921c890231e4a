import { useEffect, useState } from 'react';
import { useI18n } from '../i18n/i18n.tsx';
import { formatClock, secondsSince } from '../live/clock.ts';
import { serverNow } from '../live/now.ts';
import { useNow } from '../live/ticker.ts';
import { useLink } from '../session.tsx';

/** A blink of the line is not worth a fright; with the two seconds of the pulse this stays well under five. */
const PATIENCE_MS = { down: 500, connecting: 3_000 } as const;

/** The red banner: as long as it is there, new alerts do not arrive. */
export function Banner() {
  const link = useLink();
  const [downSince, setDownSince] = useState<string | null>(null);

  useEffect(() => {
    if (link === 'up') return setDownSince(null);
    const since = new Date(serverNow()).toISOString();
    const timer = setTimeout(() => setDownSince((held) => held ?? since), PATIENCE_MS[link]);
    return () => clearTimeout(timer);
  }, [link]);

  return downSince ? <Red since={downSince} /> : null;
}

function Red({ since }: { since: string }) {
  const { t } = useI18n();
  const seconds = secondsSince(since, useNow());
  return (
    <section className="banner" aria-label={t('link.down')} data-testid="banner">
      <span role="alert">{t('banner.down')}</span>{' '}
      <span className="banner-clock">{t('banner.since', { clock: formatClock(seconds, t('day')) })}</span>
    </section>
  );
}
