import { Button } from 'antd';
import { useState } from 'react';
import type { Alert } from '../api/types.ts';
import { useI18n } from '../i18n/i18n.tsx';
import { useAlertDetail } from '../live/useAlertDetail.ts';
import { ActionBar } from '../parts/ActionBar.tsx';
import { AlertClock } from '../parts/AlertClock.tsx';
import { Card } from '../parts/Card.tsx';
import { Canary, Severity } from '../parts/Severity.tsx';
import { StateSteps } from '../parts/StateSteps.tsx';
import { isOffer } from '../parts/steps.ts';
import { Timeline } from '../parts/Timeline.tsx';
import { useSession } from '../session.tsx';

/** One alert for somebody who may go there: big words, big buttons. */
export function MyAlert({ alert }: { alert: Alert }) {
  const { t, said, district } = useI18n();
  const { me } = useSession();
  const isMine = alert.handler?.id === me.person.id;
  const where = alert.address ?? district(alert.district);

  return (
    <article className={`my-alert edge-${alert.severity}`} data-testid={`alert-row-${alert.id}`}>
      <p className="panel-tags">
        <Severity severity={alert.severity} />
        <Canary alert={alert} />
      </p>
      <h3>
        {said(`alert.kind.${alert.kind}`)}
        {alert.elder && ` · ${alert.elder}`}
      </h3>
      <p>{said(alert.why.key, alert.why.params)}</p>
      {where && <p className="my-where">{where}</p>}
      {isOffer(alert) && <p className="quiet-hint">{t('me.hidden')}</p>}
      <div className="panel-now">
        <AlertClock alert={alert} large />
        <div>
          <StateSteps alert={alert} />
          {alert.handler && !isMine && <p>{t('me.other', { name: alert.handler.name })}</p>}
        </div>
      </div>
      <ActionBar alert={alert} />
      {!isOffer(alert) && <More id={alert.id} opensItself={isMine} />}
    </article>
  );
}

/** The card and the timeline; whoever has accepted sees them at once. */
function More({ id, opensItself }: { id: number; opensItself: boolean }) {
  const { t } = useI18n();
  const [chosen, setChosen] = useState<boolean | null>(null);
  const isOpen = chosen ?? opensItself;
  return (
    <>
      <Button
        className="my-more"
        type="text"
        aria-expanded={isOpen}
        onClick={() => setChosen(!isOpen)}
        data-testid="details"
      >
        {t(isOpen ? 'me.hide' : 'me.details')}
      </Button>
      {isOpen && <Details id={id} />}
    </>
  );
}

function Details({ id }: { id: number }) {
  const { t } = useI18n();
  const { detail } = useAlertDetail(id);
  if (!detail) return <p className="quiet-hint">{t('loading')}</p>;
  return (
    <>
      {detail.card ? <Card card={detail.card} /> : <p className="quiet-hint">{t('panel.noCard')}</p>}
      <Timeline events={detail.timeline} />
    </>
  );
}
