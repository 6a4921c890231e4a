import type { Alert } from '../api/types.ts';
import { useI18n } from '../i18n/i18n.tsx';
import { filled, formatClock, type Line, lineOf, secondsBetween, secondsSince } from '../live/clock.ts';
import { useNow } from '../live/ticker.ts';

/**
 * The running time since the alert was opened, against the 60 s and 180 s lines. The lines are about acceptance:
 * once accepted, the bar stands still where it was, and the clock goes on quietly.
 */
export function AlertClock({ alert, large = false }: { alert: Alert; large?: boolean }) {
  const { t } = useI18n();
  const now = useNow();
  const end = alert.resolved_at ? Date.parse(alert.resolved_at) : now;
  const lasted = formatClock(secondsSince(alert.opened_at, end), t('day'));
  const waited = waitedSeconds(alert, end);
  const line = lineOf(waited);
  const isWaiting = alert.state === 'open';

  return (
    <span className={`clock ${isWaiting ? `clock-${line}` : 'clock-quiet'} ${large ? 'clock-large' : ''}`}>
      <span className="clock-time">
        <time dateTime={`PT${secondsSince(alert.opened_at, end)}S`}>{lasted}</time>
        {isWaiting && line !== 'within' && <Crossed line={line} />}
      </span>
      <span className="clock-bar" aria-hidden="true">
        <i style={{ width: `${filled(waited) * 100}%` }} />
      </span>
      {large && <WaitedFor alert={alert} waited={waited} />}
    </span>
  );
}

function Crossed({ line }: { line: Exclude<Line, 'within'> }) {
  const { t } = useI18n();
  return <em className="clock-line">{t(`clock.${line}`)}</em>;
}

function WaitedFor({ alert, waited }: { alert: Alert; waited: number }) {
  const { t } = useI18n();
  if (alert.state === 'open') return null;
  if (!alert.accepted_at) return <span className="clock-note">{t('clock.not_accepted')}</span>;
  return (
    <span className="clock-note">{t('clock.accepted_after', { clock: formatClock(waited, t('day')) })}</span>
  );
}

function waitedSeconds(alert: Alert, end: number): number {
  if (alert.state !== 'open' && alert.accepted_at) return secondsBetween(alert.opened_at, alert.accepted_at);
  return secondsSince(alert.opened_at, end);
}
