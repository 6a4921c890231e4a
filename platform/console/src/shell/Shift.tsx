import { App, Button } from 'antd';
import { useSyncExternalStore } from 'react';
import { useI18n } from '../i18n/i18n.tsx';
import * as shift from '../live/shift.ts';

/** One click starts the shift: from then on new alerts are heard. Another click switches the sound off. */
export function Shift() {
  const { t } = useI18n();
  const { message } = App.useApp();
  const isOn = useSyncExternalStore(shift.subscribe, shift.isOn);

  const start = async () => {
    if (!(await shift.start())) message.error(t('header.noSound'));
  };

  return (
    <Button
      size="small"
      type="default"
      className={isOn ? 'on-night' : ''}
      onClick={isOn ? shift.stop : start}
      title={t(isOn ? 'header.endShift.hint' : 'header.startShift.hint')}
      aria-pressed={isOn}
      data-testid="start-shift"
    >
      {t(isOn ? 'header.endShift' : 'header.startShift')}
    </Button>
  );
}
