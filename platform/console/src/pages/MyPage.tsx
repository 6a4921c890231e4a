import { useEffect, useMemo } from 'react';
import type { Alert, AlertList, Me } from '../api/types.ts';
import { useI18n } from '../i18n/i18n.tsx';
import { inOrder } from '../live/store.ts';
import { Quiet } from '../parts/Quiet.tsx';
import { isDesk, useLiveState, useSession } from '../session.tsx';
import { useFetched } from '../useFetched.ts';
import { BalanceBox } from './BalanceBox.tsx';
import { MyAlert } from './MyAlert.tsx';
import { VisitsToConfirm } from './VisitsToConfirm.tsx';

const PAST = 5;

/** For family, caregivers and volunteers, mostly on a phone: what is on now, and one's own time. */
export function MyPage() {
  const { t } = useI18n();
  const { me } = useSession();
  const { alerts, loaded } = useLiveState();
  const rows = useMemo(() => inOrder(alerts.values()).filter((alert) => isForMe(alert, me)), [alerts, me]);
  const who = me.role === 'family' ? 'family' : 'helper';
  useOffersThatEnd();

  return (
    <div className="page my">
      <h1>{t('me.title', { name: me.person.name })}</h1>
      <section className="block" aria-labelledby="my-alerts">
        <h2 id="my-alerts">{t(`me.alerts.${who}`)}</h2>
        {!loaded && <Quiet>{t('loading')}</Quiet>}
        {loaded && rows.length === 0 && <Quiet hint={t('me.empty.hint')}>{t(`me.empty.${who}`)}</Quiet>}
        {rows.map((alert) => (
          <MyAlert key={alert.id} alert={alert} />
        ))}
      </section>
      {me.role === 'family' && <VisitsToConfirm />}
      <BalanceBox />
      <Past />
    </div>
  );
}

/** Others get only what is theirs; who also sits at the desk gets everything, and here wants their own. */
function isForMe(alert: Alert, me: Me): boolean {
  return !isDesk(me.role) || alert.handler?.id === me.person.id;
}

function Past() {
  const { t } = useI18n();
  const { live } = useSession();
  const { value, reload } = useFetched<AlertList>(`/api/alerts?state=resolved&limit=${PAST}`);
  useEffect(
    () =>
      live.onNews(({ alert }) => {
        if (alert.state === 'resolved') reload();
      }),
    [live, reload],
  );
  if (!value || value.alerts.length === 0) return null;
  return (
    <section className="block" aria-labelledby="my-past">
      <h2 id="my-past">{t('me.past')}</h2>
      <ul className="past">
        {value.alerts.map((alert) => (
          <PastLine key={alert.id} alert={alert} />
        ))}
      </ul>
    </section>
  );
}

function PastLine({ alert }: { alert: Alert }) {
  const { t, said, time } = useI18n();
  return (
    <li>
      <span>
        <b>{said(`alert.kind.${alert.kind}`)}</b> {alert.elder}
      </span>
      <span>
        {alert.outcome && t(`outcome.${alert.outcome}`)}
        {alert.resolved_at && ` · ${time(alert.resolved_at)}`}
      </span>
    </li>
  );
}

/** An alert that went to somebody else is no longer ours to see: ask what is left. */
function useOffersThatEnd(): void {
  const { live } = useSession();
  useEffect(
    () =>
      live.onNews(({ event }) => {
        if (['accepted', 'declined', 'offer_lapsed'].includes(event.kind)) void live.reload();
      }),
    [live],
  );
}
