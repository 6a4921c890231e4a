import { App, Button, Form, Input, Modal, Select } from 'antd';
import { useState } from 'react';
import { post } from '../api/client.ts';
import { useI18n } from '../i18n/i18n.tsx';
import { useRefusal } from '../live/useActions.ts';

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

interface Binding {
  kind: string;
  home: string;
}

/** Says whose a device is. */
export function BindForm(props: { device: string; onClose: () => void; onDone: () => void }) {
  const { t } = useI18n();
  const { message } = App.useApp();
  const refuse = useRefusal();
  const [isBusy, setBusy] = useState(false);
  const required = [{ required: true, message: t('quarantine.bind.required') }];

  const bind = async ({ kind, home }: Binding) => {
    setBusy(true);
    try {
      await post('/api/devices/bind', { device: props.device, kind, home: home.trim() });
      message.success(t('quarantine.bind.done', { device: props.device, home: home.trim() }));
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
      width={420}
    >
      <Form<Binding> layout="vertical" initialValues={{ kind: 'button', home: '' }} onFinish={bind}>
        <Form.Item name="kind" label={t('quarantine.bind.kind')} rules={required}>
          <Select options={KINDS.map((kind) => ({ value: kind, label: t(`device.${kind}`) }))} />
        </Form.Item>
        <Form.Item name="home" label={t('quarantine.bind.home')} rules={required}>
          <Input autoComplete="off" placeholder="WX-001" data-testid="bind-home" />
        </Form.Item>
        <Button type="primary" htmlType="submit" loading={isBusy} data-testid="bind-submit">
          {t('quarantine.bind.submit')}
        </Button>
      </Form>
    </Modal>
  );
}
