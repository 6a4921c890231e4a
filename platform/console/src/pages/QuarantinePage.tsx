import { App, Button } from 'antd';
import { useState } from 'react';
import { post } from '../api/client.ts';
import type { Frame, Quarantine, UnknownDevice } from '../api/types.ts';
import { useI18n } from '../i18n/i18n.tsx';
import { useRefusal } from '../live/useActions.ts';
import { Quiet } from '../parts/Quiet.tsx';
import { useFetched } from '../useFetched.ts';
import { BindForm } from './BindForm.tsx';

const EVERY_MS = 10_000;

/** What the platform could not use: devices that nobody knows, messages that make no sense. */
export default function QuarantinePage() {
  const { t } = useI18n();
  const { value, reload } = useFetched<Quarantine>('/api/quarantine?limit=100', EVERY_MS);
  const frames = value?.frames.filter((frame) => frame.cleared_at === null);

  return (
    <div className="page">
      <h1>{t('quarantine.title')}</h1>
      {!value && <Quiet>{t('loading')}</Quiet>}
      {value && <Devices devices={value.unknown_devices} onDone={reload} />}
      {frames && <Frames frames={frames} onDone={reload} />}
    </div>
  );
}

function Devices({ devices, onDone }: { devices: UnknownDevice[]; onDone: () => void }) {
  const { t, time } = useI18n();
  const [binding, setBinding] = useState<string | null>(null);
  return (
    <section className="block">
      <h2>{t('quarantine.devices')}</h2>
      {devices.length === 0 && <Quiet>{t('quarantine.devices.empty')}</Quiet>}
      {devices.length > 0 && (
        <table className="queue">
          <thead>
            <tr>
              <th scope="col">{t('quarantine.deviceName')}</th>
              <th scope="col">{t('quarantine.firstSeen')}</th>
              <th scope="col">{t('quarantine.lastSeen')}</th>
              <th scope="col">
                <span className="for-readers">{t('quarantine.bind')}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {devices.map((device) => (
              <tr key={device.device} data-testid={`unknown-${device.device}`}>
                <td className="code strong">{device.device}</td>
                <td className="number">{time(device.first_seen_at)}</td>
                <td className="number">{device.last_seen_at ? time(device.last_seen_at) : t('none')}</td>
                <td className="col-action">
                  <Button size="small" onClick={() => setBinding(device.device)} data-testid="bind">
                    {t('quarantine.bind')}
                  </Button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {binding !== null && <BindForm device={binding} onClose={() => setBinding(null)} onDone={onDone} />}
    </section>
  );
}

function Frames({ frames, onDone }: { frames: Frame[]; onDone: () => void }) {
  const { t } = useI18n();
  return (
    <section className="block">
      <h2>{t('quarantine.frames')}</h2>
      <p className="quiet-hint">{t('quarantine.frames.hint')}</p>
      {frames.length === 0 && <Quiet>{t('quarantine.frames.empty')}</Quiet>}
      {frames.length > 0 && (
        <table className="queue frames">
          <thead>
            <tr>
              <th scope="col">{t('quarantine.received')}</th>
              <th scope="col">{t('quarantine.reason')}</th>
              <th scope="col">{t('quarantine.device')}</th>
              <th scope="col">{t('quarantine.sample')}</th>
              <th scope="col">
                <span className="for-readers">{t('quarantine.clear')}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {frames.map((frame) => (
              <FrameRow key={frame.id} frame={frame} onDone={onDone} />
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function FrameRow({ frame, onDone }: { frame: Frame; onDone: () => void }) {
  const { t, word, time } = useI18n();
  const { message } = App.useApp();
  const refuse = useRefusal();
  const [isBusy, setBusy] = useState(false);

  const clear = async () => {
    setBusy(true);
    try {
      await post(`/api/quarantine/${frame.id}/clear`);
      message.success(t('quarantine.cleared'));
      onDone();
    } catch (error) {
      refuse(error);
    } finally {
      setBusy(false);
    }
  };

  return (
    <tr data-testid={`frame-${frame.id}`}>
      <td className="number">{time(frame.received_at, true)}</td>
      <td className="col-why">
        <b>{word('fault', frame.reason)}</b>
        <span>{frame.detail}</span>
      </td>
      <td className="col-why">
        <b className="code">{frame.device ?? t('none')}</b>
        <span className="code">{frame.topic}</span>
      </td>
      <td className="col-sample">
        <code>{frame.sample}</code>
        <span className="muted">
          {t('quarantine.bytes', { size: frame.size })}
          {frame.times !== undefined &&
            frame.times > 1 &&
            ` · ${t('quarantine.times', { count: frame.times })}`}
        </span>
      </td>
      <td className="col-action">
        <Button size="small" loading={isBusy} onClick={clear} data-testid="clear">
          {t('quarantine.clear')}
        </Button>
      </td>
    </tr>
  );
}
