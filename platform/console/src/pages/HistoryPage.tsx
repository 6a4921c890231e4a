import { useCallback, useEffect } from 'react';
import type { Alert, AlertList } from '../api/types.ts';
import { useI18n } from '../i18n/i18n.tsx';
import { formatClock, secondsBetween } from '../live/clock.ts';
import { Quiet } from '../parts/Quiet.tsx';
import { Canary, Severity } from '../parts/Severity.tsx';
import { subject } from '../parts/subject.ts';
import { go, hrefOf } from '../router.ts';
import { useSession } from '../session.tsx';
import { useFetched } from '../useFetched.ts';
import { AlertPanel } from './AlertPanel.tsx';

const LIMIT = 200;

/** What is over: when, how it ended, how long it took. */
export default function HistoryPage({ open }: { open: string | null }) {
  const { t } = useI18n();
  const { live } = useSession();
  const { value, reload } = useFetched<AlertList>(`/api/alerts?state=resolved&limit=${LIMIT}`);
  const rows = value?.alerts;
  const close = useCallback(() => go('history'), []);

  useEffect(
    () =>
      live.onNews(({ alert, event }) => {
        if (alert.state === 'resolved' || event.kind === 'reopened') reload();
      }),
    [live, reload],
  );

  return (
    <div className={open === null ? 'split' : 'split split-open'}>
      <div className="split-main">
        <div className="page-head">
          <h1>{t('history.title')}</h1>
          {rows && rows.length >= LIMIT && <p>{t('history.limit', { count: LIMIT })}</p>}
        </div>
        {!rows && <Quiet>{t('loading')}</Quiet>}
        {rows?.length === 0 && <Quiet>{t('history.empty')}</Quiet>}
        {rows && rows.length > 0 && (
          <table className="queue history">
            <caption className="for-readers">{t('history.title')}</caption>
            <thead>
              <tr>
                <th scope="col">{t('queue.severity')}</th>
                <th scope="col">{t('history.resolvedAt')}</th>
                <th scope="col">{t('queue.elder')}</th>
                <th scope="col">{t('queue.why')}</th>
                <th scope="col">{t('history.outcome')}</th>
                <th scope="col">{t('history.accepted')}</th>
                <th scope="col" className="col-district">
                  {t('history.lasted')}
                </th>
                <th scope="col" className="col-handler">
                  {t('queue.handler')}
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.map((alert) => (
                <Row key={alert.id} alert={alert} isOpen={String(alert.id) === open} />
              ))}
            </tbody>
          </table>
        )}
      </div>
      {open !== null && <AlertPanel id={Number(open)} onClose={close} />}
    </div>
  );
}

function Row({ alert, isOpen }: { alert: Alert; isOpen: boolean }) {
  const { t, said, time, district } = useI18n();
  const lasted = (until: string | null) =>
    until ? formatClock(secondsBetween(alert.opened_at, until), t('day')) : t('none');
  return (
    // The link in the row is the control for keys and screen readers; a click anywhere is a convenience.
    <tr
      className={`edge-${alert.severity} ${isOpen ? 'is-open' : ''}`}
      data-testid={`alert-row-${alert.id}`}
      onClick={() => go('history', alert.id)}
    >
      <td className="col-severity">
        <Severity severity={alert.severity} />
      </td>
      <td className="number">{alert.resolved_at && time(alert.resolved_at)}</td>
      <td className="col-elder">
        <a href={hrefOf('history', alert.id)}>{subject(alert, t, district)}</a>
        <Canary alert={alert} />
        <span>{alert.address ?? alert.device ?? t('none')}</span>
      </td>
      <td className="col-why">
        <b>{said(`alert.kind.${alert.kind}`)}</b>
        <span>{said(alert.why.key, alert.why.params)}</span>
      </td>
      <td>{alert.outcome && t(`outcome.${alert.outcome}`)}</td>
      <td className="number">{lasted(alert.accepted_at)}</td>
      <td className="number col-district">{lasted(alert.resolved_at)}</td>
      <td className="col-handler">{alert.handler?.name ?? t('none')}</td>
    </tr>
  );
}
