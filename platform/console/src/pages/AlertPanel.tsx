import { Button, Input } from 'antd';
import { type FormEvent, useState } from 'react';
import type { Alert, AlertDetail, BoundDevice } from '../api/types.ts';
import { useI18n } from '../i18n/i18n.tsx';
import { useActions } from '../live/useActions.ts';
import { useAlertDetail } from '../live/useAlertDetail.ts';
import { ActionBar } from '../parts/ActionBar.tsx';
import { AlertClock } from '../parts/AlertClock.tsx';
import { Card } from '../parts/Card.tsx';
import { DeviceCommands } from '../parts/DeviceCommands.tsx';
import { Quiet } from '../parts/Quiet.tsx';
import { Canary, Severity } from '../parts/Severity.tsx';
import { StateSteps } from '../parts/StateSteps.tsx';
import { isOfNoHome } from '../parts/subject.ts';
import { Offers, Timeline } from '../parts/Timeline.tsx';
import { useLiveState } from '../session.tsx';
import { useFetched } from '../useFetched.ts';
import { BindForm } from './BindForm.tsx';

/** One alert beside the list: what it is, what to do, who it is about, what has happened. */
export function AlertPanel({ id, onClose }: { id: number; onClose: () => void }) {
  const { t } = useI18n();
  const { detail, isMissing, refresh } = useAlertDetail(id);
  const held = useLiveState().alerts.get(id);
  const alert = held ?? detail?.alert;

  return (
    <section
      className={`panel ${alert ? `edge-${alert.severity}` : ''}`}
      aria-label={t('panel.label', { id })}
      data-testid="alert-panel"
    >
      <Button className="panel-close" type="text" onClick={onClose} aria-label={t('close')}>
        ✕
      </Button>
      {isMissing && !alert && <Quiet>{t('panel.missing')}</Quiet>}
      {!isMissing && !alert && <Quiet>{t('loading')}</Quiet>}
      {alert && (
        <>
          <Head alert={alert} />
          <ActionBar key={`actions ${id}`} alert={alert} onDone={refresh} />
        </>
      )}
      {alert && detail && <Body key={id} alert={alert} detail={detail} onDone={refresh} />}
    </section>
  );
}

function Head({ alert }: { alert: Alert }) {
  const { t, said, time } = useI18n();
  return (
    <div className="panel-head">
      <p className="panel-tags">
        <Severity severity={alert.severity} />
        <Canary alert={alert} />
        <span>{t('panel.opened', { time: time(alert.opened_at, true) })}</span>
        <span className="code">#{alert.id}</span>
      </p>
      <h2>
        {said(`alert.kind.${alert.kind}`)}
        {alert.elder && ` · ${alert.elder}`}
      </h2>
      <p className="panel-why">
        {said(alert.why.key, alert.why.params)}
        {alert.presses > 1 && ` · ${t('queue.presses', { count: alert.presses })}`}
      </p>
      <div className="panel-now">
        <AlertClock alert={alert} large />
        <div>
          <StateSteps alert={alert} />
          {alert.handler && <p>{t('panel.handledBy', { name: alert.handler.name })}</p>}
          {alert.outcome && <p className="strong">{t(`outcome.${alert.outcome}`)}</p>}
        </div>
      </div>
    </div>
  );
}

function Body({ alert, detail, onDone }: { alert: Alert; detail: AlertDetail; onDone: () => void }) {
  return (
    <>
      {detail.card ? (
        <Card
          card={detail.card}
          {...(alert.state === 'resolved' ? {} : { alertId: alert.id })}
          onChanged={onDone}
        />
      ) : (
        <NoCard alert={alert} onDone={onDone} />
      )}
      {!isOfNoHome(alert) && (alert.state !== 'resolved' || detail.offers.length > 0) && (
        <Offers offers={detail.offers} />
      )}
      <Timeline events={detail.timeline} />
      <NoteForm alert={alert} onDone={onDone} />
    </>
  );
}

function NoCard({ alert, onDone }: { alert: Alert; onDone: () => void }) {
  const { t } = useI18n();
  if (isOfNoHome(alert)) return <Quiet>{t('panel.ofNoHome')}</Quiet>;
  if (alert.home || !alert.device) return <Quiet>{t('panel.noCard')}</Quiet>;
  if (alert.state === 'resolved') return null;
  return <NoHome alertId={alert.id} device={alert.device} onDone={onDone} />;
}

/** A device without a home has called: whose it is can be said right here, and it can be made to blink and be found. */
function NoHome({ alertId, device, onDone }: { alertId: number; device: string; onDone: () => void }) {
  const { t } = useI18n();
  const [isBinding, setBinding] = useState(false);
  const { value } = useFetched<BoundDevice>(`/api/devices/${encodeURIComponent(device)}/binding`);
  if (!value) return null; // a gateway, or what else is no device of a home
  return (
    <section className="no-home">
      <p className="quiet-hint">{t('panel.noHome')}</p>
      <Button type="primary" onClick={() => setBinding(true)} data-testid="bind">
        {t('quarantine.bind')}
      </Button>
      <DeviceCommands device={device} alertId={alertId} />
      {isBinding && (
        <BindForm device={device} kind={value.kind} onClose={() => setBinding(false)} onDone={onDone} />
      )}
    </section>
  );
}

function NoteForm({ alert, onDone }: { alert: Alert; onDone: () => void }) {
  const { t } = useI18n();
  const actions = useActions();
  const [text, setText] = useState('');
  const id = `note-${alert.id}`;

  const add = async (event: FormEvent) => {
    event.preventDefault();
    if (text.trim() === '' || !(await actions.note(alert, text.trim()))) return;
    setText('');
    onDone();
  };

  return (
    <form className="note" onSubmit={add}>
      <label htmlFor={id}>{t('panel.note')}</label>
      <div>
        <Input
          id={id}
          value={text}
          maxLength={1000}
          placeholder={t('panel.note.placeholder')}
          onChange={(event) => setText(event.target.value)}
          data-testid="note-text"
        />
        <Button htmlType="submit" loading={actions.busy === 'note'} data-testid="note-add">
          {t('panel.note.add')}
        </Button>
      </div>
    </form>
  );
}
