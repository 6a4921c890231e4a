import { App, Button } from 'antd';
import { useState } from 'react';
import { post } from '../api/client.ts';
import type { Frame, Quarantine, UnboundDevice } from '../api/types.ts';
import { useI18n } from '../i18n/i18n.tsx';
import { useRefusal } from '../live/useActions.ts';
import { Quiet } from '../parts/Quiet.tsx';
import { hrefOf } from '../router.ts';
import { useFetched } from '../useFetched.ts';
import { BindForm } from './BindForm.tsx';

const EVERY_MS = 10_000;

/** What waits for somebody: devices without a home, messages that make no sense. */
export default function QuarantinePage() {
  const { t } = useI18n();
  const { value, reload } = useFetched<Quarantine>('/api/quarantine?limit=100', EVERY_MS);
  const frames = value?.frames.filter((frame) => frame.cleared_at === null);

  return (
    <div className="page">
      <h1>{t('quarantine.title')}</h1>
      {!value && <Quiet>{t('loading')}</Quiet>}
      {value && <Devices devices={value.unbound} onDone={reload} />}
      {frames && <Frames frames={frames} onDone={reload} />}
    </div>
  );
}

function Devices({ devices, onDone }: { devices: UnboundDevice[]; onDone: () => void }) {
  const { t } = useI18n();
  const [binding, setBinding] = useState<UnboundDevice | null>(null);
  return (
    <section className="block">
      <h2>{t('quarantine.devices')}</h2>
      {devices.length === 0 && <Quiet>{t('quarantine.devices.empty')}</Quiet>}
      {devices.length > 0 && (
        <table className="queue">
          <thead>
            <tr>
              <th scope="col">{t('quarantine.deviceName')}</th>
              <th scope="col">{t('quarantine.what')}</th>
              <th scope="col">{t('quarantine.family')}</th>
              <th scope="col">{t('quarantine.firstSeen')}</th>
              <th scope="col">{t('quarantine.lastSeen')}</th>
              <th scope="col">
                <span className="for-readers">{t('quarantine.bind')}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {devices.map((device) => (
              <DeviceRow key={device.device} device={device} onBind={setBinding} />
            ))}
          </tbody>
        </table>
      )}
      {binding !== null && (
        <BindForm
          device={binding.device}
          kind={binding.kind}
          onClose={() => setBinding(null)}
          onDone={onDone}
        />
      )}
    </section>
  );
}

interface RowProps {
  device: UnboundDevice;
  onBind: (device: UnboundDevice) => void;
}

function DeviceRow({ device, onBind }: RowProps) {
  const { t, word, time } = useI18n();
  const when = (at: string | null) => (at ? time(at) : t('none'));
  return (
    <tr className={device.live_alerts > 0 ? 'edge-critical' : ''} data-testid={`unbound-${device.device}`}>
      <td className="col-why">
        <a className="code strong" href={hrefOf('bind', device.device)}>
          {device.device}
        </a>
        {device.live_alerts > 0 && <span className="calling">{t('quarantine.calling')}</span>}
      </td>
      <td className="col-why">
        <b>{word('device', device.kind)}</b>
        <span>{[device.vendor, device.model, device.name].filter(Boolean).join(' · ')}</span>
      </td>
      <td>{word('family', device.family)}</td>
      <td className="number">{when(device.first_seen_at)}</td>
      <td className="number">{when(device.last_seen_at)}</td>
      <td className="col-action">
        <Button
          size="small"
          type={device.live_alerts > 0 ? 'primary' : 'default'}
          onClick={() => onBind(device)}
          data-testid="bind"
        >
          {t('quarantine.bind')}
        </Button>
      </td>
    </tr>
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
