import { Button } from 'antd';
import type { Visit } from '../api/types.ts';
import { useI18n } from '../i18n/i18n.tsx';
import { useVerify } from '../live/useVerify.ts';
import { useFetched } from '../useFetched.ts';

const EVERY_MS = 10_000;

/** The family says whether somebody was there; only then is the visitor's time credited. */
export function VisitsToConfirm() {
  const { t } = useI18n();
  const { value, reload } = useFetched<{ visits: Visit[] }>('/api/visits?state=unverified', EVERY_MS);
  if (!value || value.visits.length === 0) return null;
  return (
    <section className="block" aria-labelledby="my-visits">
      <h2 id="my-visits">{t('me.visits')}</h2>
      <ul className="past">
        {value.visits.map((visit) => (
          <Line key={visit.id} visit={visit} onDone={reload} />
        ))}
      </ul>
    </section>
  );
}

function Line({ visit, onDone }: { visit: Visit; onDone: () => void }) {
  const { t, time } = useI18n();
  const { isBusy, verify } = useVerify(onDone);
  return (
    <li data-testid={`visit-${visit.id}`}>
      <span>
        <b>{t('me.visit', { person: visit.person, minutes: visit.minutes })}</b>
        <span className="past-when">{time(visit.started_at)}</span>
      </span>
      <Button loading={isBusy} onClick={() => verify(visit)} data-testid="verify">
        {t('me.visit.confirm')}
      </Button>
    </li>
  );
}
