import { memo } from 'react';
import type { Alert } from '../api/types.ts';
import { useI18n } from '../i18n/i18n.tsx';
import { AlertClock } from '../parts/AlertClock.tsx';
import { Canary, Severity } from '../parts/Severity.tsx';
import { StateSteps } from '../parts/StateSteps.tsx';
import { subject } from '../parts/subject.ts';
import { go, hrefOf } from '../router.ts';

interface Props {
  alert: Alert;
  isCurrent: boolean;
  isOpen: boolean;
}

export const QueueRow = memo(function QueueRow({ alert, isCurrent, isOpen }: Props) {
  const { t, said, district } = useI18n();
  const classes = [
    `edge-${alert.severity}`,
    alert.state === 'open' && !alert.canary ? 'is-waiting' : '',
    isOpen ? 'is-open' : '',
  ];

  return (
    // The link in the row is the control for keys and screen readers; a click anywhere is a convenience.
    <tr
      className={classes.join(' ')}
      data-testid={`alert-row-${alert.id}`}
      data-state={alert.state}
      aria-current={isCurrent ? 'true' : undefined}
      onClick={() => go('queue', alert.id)}
    >
      <td className="col-severity">
        <Severity severity={alert.severity} />
      </td>
      <td className="col-clock">
        <AlertClock alert={alert} />
      </td>
      <td className="col-elder">
        <a id={`alert-link-${alert.id}`} href={hrefOf('queue', alert.id)}>
          {subject(alert, t, district)}
        </a>
        <Canary alert={alert} />
        <span>{alert.address ?? alert.device ?? t('none')}</span>
      </td>
      <td className="col-why">
        <b>{said(`alert.kind.${alert.kind}`)}</b>
        <span>
          {said(alert.why.key, alert.why.params)}
          {alert.presses > 1 && ` · ${t('queue.presses', { count: alert.presses })}`}
        </span>
      </td>
      <td className="col-district">{district(alert.district) ?? t('none')}</td>
      <td className="col-state">
        <StateSteps alert={alert} />
        <span className="state-handler">{alert.handler?.name}</span>
      </td>
      <td className="col-handler">
        {alert.handler ? alert.handler.name : <span className="muted">{t('queue.nobody')}</span>}
      </td>
    </tr>
  );
});
