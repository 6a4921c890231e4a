import { App, Button } from 'antd';
import { post } from '../api/client.ts';
import { useI18n } from '../i18n/i18n.tsx';
import { useRefusal } from '../live/useActions.ts';

/** Takes a device out of its home; asked twice, since from then on it calls help to nowhere. */
export function Unbind({ device, onDone }: { device: string; onDone: () => void }) {
  const { t } = useI18n();
  const { message, modal } = App.useApp();
  const refuse = useRefusal();

  const unbind = async () => {
    try {
      await post('/api/devices/unbind', { device });
      message.success(t('bind.unbound', { device }));
      onDone();
    } catch (error) {
      refuse(error);
    }
  };
  const ask = () =>
    modal.confirm({
      title: t('bind.unbind.title', { device }),
      content: t('bind.unbind.hint'),
      okText: t('bind.unbind'),
      cancelText: t('cancel'),
      onOk: unbind,
    });

  return (
    <Button size="small" onClick={ask} data-testid="unbind">
      {t('bind.unbind')}…
    </Button>
  );
}
