import { Button } from 'antd';
import { useState } from 'react';
import type { BoundDevice } from '../api/types.ts';
import { useI18n } from '../i18n/i18n.tsx';
import { DeviceCommands } from '../parts/DeviceCommands.tsx';
import { Quiet } from '../parts/Quiet.tsx';
import { Unbind } from '../parts/Unbind.tsx';
import { hrefOf } from '../router.ts';
import { useFetched } from '../useFetched.ts';
import { BindForm } from './BindForm.tsx';

/** Where a label's QR code leads: whose the device is, and one step to say so. */
export default function BindPage({ device }: { device: string }) {
  const { t, word, time } = useI18n();
  const { value, error, reload } = useFetched<BoundDevice>(
    `/api/devices/${encodeURIComponent(device)}/binding`,
  );
  const [isBinding, setBinding] = useState(true);
  const isUnheard = error?.status === 404;
  if (!value && !isUnheard) return <Quiet>{t(error ? 'error.unreachable' : 'loading')}</Quiet>;

  const model = value && [value.vendor, value.model, value.name].filter(Boolean).join(' · ');
  return (
    <div className="page bind-page" data-testid="bind-page">
      <h1 className="code">{device}</h1>
      {isUnheard && <p>{t('bind.unheard')}</p>}
      {value && (
        <p>
          {word('device', value.kind)}
          {model && ` · ${model}`} ·{' '}
          {value.last_seen_at ? t('card.seen', { time: time(value.last_seen_at) }) : t('card.neverSeen')}
        </p>
      )}
      {value?.home ? (
        <Home device={value} home={value.home} onDone={reload} />
      ) : (
        <Button type="primary" onClick={() => setBinding(true)} data-testid="bind">
          {t('quarantine.bind')}
        </Button>
      )}
      {value && <DeviceCommands device={device} />}
      <p>
        <a href={`/api/devices/${encodeURIComponent(device)}/label.svg`} target="_blank" rel="noreferrer">
          {t('bind.label')}
        </a>
      </p>
      {isBinding && !value?.home && (
        <BindForm
          key={value?.kind}
          device={device}
          kind={value?.kind}
          onClose={() => setBinding(false)}
          onDone={reload}
        />
      )}
    </div>
  );
}

function Home({ device, home, onDone }: { device: BoundDevice; home: string; onDone: () => void }) {
  const { t } = useI18n();
  return (
    <p data-testid="bound-home">
      {t('bind.home')} <a href={hrefOf('homes', home)}>{home}</a> · {device.address}{' '}
      <Unbind device={device.device} onDone={onDone} />
    </p>
  );
}
