import { App, Button, Form, Modal, Select } from 'antd';
import { useState } from 'react';
import { post } from '../api/client.ts';
import type { HomeRow } from '../api/types.ts';
import { useI18n } from '../i18n/i18n.tsx';
import { useRefusal } from '../live/useActions.ts';
import { useFetched } from '../useFetched.ts';
import { useSettled } from '../useSettled.ts';

/** The kinds that the platform knows. */
const KINDS = [
  'button',
  'motion',
  'door',
  'bed',
  'temperature',
  'smoke',
  'gas',
  'water',
  'fall',
  'wearable',
  'siren',
  'hub',
  'other',
] as const;

const LIMIT = 20;

interface Binding {
  kind: string;
  home: string;
}

interface Props {
  device: string;
  /** What the device says that it is. */
  kind?: string | undefined;
  onClose: () => void;
  onDone: () => void;
}

/** Says whose a device is. */
export function BindForm(props: Props) {
  const { t } = useI18n();
  const { message } = App.useApp();
  const refuse = useRefusal();
  const [isBusy, setBusy] = useState(false);
  const required = [{ required: true, message: t('quarantine.bind.required') }];
  const guess = KINDS.find((kind) => kind === props.kind && kind !== 'other');

  const bind = async ({ kind, home }: Binding) => {
    setBusy(true);
    try {
      await post('/api/devices/bind', { device: props.device, kind, home });
      message.success(t('quarantine.bind.done', { device: props.device, home }));
      props.onDone();
      props.onClose();
    } catch (error) {
      refuse(error);
    } finally {
      setBusy(false);
    }
  };

  return (
    <Modal
      open
      title={t('quarantine.bind.title', { device: props.device })}
      onCancel={props.onClose}
      footer={null}
      width={480}
    >
      <Form<Binding> layout="vertical" initialValues={{ kind: guess ?? 'button' }} onFinish={bind}>
        <Form.Item name="home" label={t('quarantine.bind.home')} rules={required}>
          <HomePicker />
        </Form.Item>
        <Form.Item
          name="kind"
          label={t('quarantine.bind.kind')}
          rules={required}
          extra={guess && t('quarantine.bind.guess')}
        >
          <Select options={KINDS.map((kind) => ({ value: kind, label: t(`device.${kind}`) }))} />
        </Form.Item>
        <Button type="primary" htmlType="submit" loading={isBusy} data-testid="bind-submit">
          {t('quarantine.bind.submit')}
        </Button>
      </Form>
    </Modal>
  );
}

/** A home by its code, its elder's name or its address: nobody knows codes by heart. */
function HomePicker(props: { id?: string; value?: string; onChange?: (code: string) => void }) {
  const { t } = useI18n();
  const [typed, setTyped] = useState('');
  const query = useSettled(typed.trim());
  const { value, isCurrent } = useFetched<{ homes: HomeRow[] }>(
    `/api/homes?q=${encodeURIComponent(query)}&limit=${LIMIT}`,
  );
  // Enter takes the first option: what an earlier word found would bind the device to a stranger's home.
  const homes = isCurrent && typed.trim() === query ? value?.homes : undefined;
  return (
    <Select
      {...props}
      autoFocus
      showSearch={{ filterOption: false, onSearch: setTyped }}
      placeholder={t('homes.search')}
      notFoundContent={homes ? t('homes.empty') : t('loading')}
      optionLabelProp="title"
      options={(homes ?? []).map((home) => ({
        value: home.code,
        title: [home.code, home.elders.join(t('list'))].filter(Boolean).join(' · '),
        label: <HomeOption home={home} />,
      }))}
      data-testid="bind-home"
    />
  );
}

function HomeOption({ home }: { home: HomeRow }) {
  const { t } = useI18n();
  return (
    <div className="home-option">
      <b>{home.elders.join(t('list')) || t('none')}</b> <span className="code">{home.code}</span>
      <span>{home.address}</span>
    </div>
  );
}
