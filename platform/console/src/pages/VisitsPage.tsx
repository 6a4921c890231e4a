import { Button, Segmented } from 'antd';
import { useState } from 'react';
import type { Visit } from '../api/types.ts';
import { useI18n } from '../i18n/i18n.tsx';
import { useVerify } from '../live/useVerify.ts';
import { Quiet } from '../parts/Quiet.tsx';
import { useFetched } from '../useFetched.ts';

const EVERY_MS = 10_000;

type State = 'unverified' | 'verified';

/** Somebody else confirms each visit; only then is the time credited. */
export default function VisitsPage() {
  const { t } = useI18n();
  const [state, setState] = useState<State>('unverified');
  return (
    <div className="page">
      <div className="page-head">
        <h1>{t('visits.title')}</h1>
        <Segmented<State>
          aria-label={t('visits.title')}
          value={state}
          onChange={setState}
          options={[
            { value: 'unverified', label: t('visits.unverified') },
            { value: 'verified', label: t('visits.verified') },
          ]}
        />
      </div>
      <p className="quiet-hint">{t('visits.hint')}</p>
      <List key={state} state={state} />
    </div>
  );
}

function List({ state }: { state: State }) {
  const { t } = useI18n();
  const { value, reload } = useFetched<{ visits: Visit[] }>(`/api/visits?state=${state}`, EVERY_MS);
  const visits = value?.visits;
  if (!visits) return <Quiet>{t('loading')}</Quiet>;
  if (visits.length === 0) return <Quiet>{t(`visits.empty.${state}`)}</Quiet>;
  return (
    <table className="queue">
      <caption className="for-readers">{t(`visits.${state}`)}</caption>
      <thead>
        <tr>
          <th scope="col">{t('visits.person')}</th>
          <th scope="col">{t('visits.home')}</th>
          <th scope="col">{t('visits.when')}</th>
          <th scope="col">{t('visits.minutes')}</th>
          <th scope="col">
            {state === 'verified' ? (
              t('visits.status')
            ) : (
              <span className="for-readers">{t('visits.verify')}</span>
            )}
          </th>
        </tr>
      </thead>
      <tbody>
        {visits.map((visit) => (
          <Row key={visit.id} visit={visit} onDone={reload} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ visit, onDone }: { visit: Visit; onDone: () => void }) {
  const { t, time } = useI18n();
  const { isBusy, verify } = useVerify(onDone);

  return (
    <tr data-testid={`visit-${visit.id}`}>
      <td className="strong">{visit.person}</td>
      <td className="code">{visit.home}</td>
      <td className="number">
        {time(visit.started_at)} – {time(visit.ended_at)}
      </td>
      <td className="number">{visit.minutes}</td>
      <td className="col-action">
        {visit.verified_at === null ? (
          <Button
            size="small"
            type="primary"
            loading={isBusy}
            onClick={() => verify(visit)}
            data-testid="verify"
          >
            {t('visits.verify')}
          </Button>
        ) : (
          t(visit.credited ? 'visits.credited' : 'visits.notCredited')
        )}
      </td>
    </tr>
  );
}
