/** Saying that a visit took place. */

import { App } from 'antd';
import { useState } from 'react';
import { post } from '../api/client.ts';
import type { Visit } from '../api/types.ts';
import { useI18n } from '../i18n/i18n.tsx';
import { useRefusal } from './useActions.ts';

export interface Verify {
  isBusy: boolean;
  verify(visit: Visit): Promise<void>;
}

export function useVerify(onDone: () => void): Verify {
  const { t } = useI18n();
  const { message } = App.useApp();
  const refuse = useRefusal();
  const [isBusy, setBusy] = useState(false);

  const verify = async (visit: Visit) => {
    setBusy(true);
    try {
      await post(`/api/visits/${visit.id}/verify`);
      message.success(t('visits.done', { person: visit.person, minutes: visit.minutes }));
      onDone();
    } catch (error) {
      refuse(error);
    } finally {
      setBusy(false);
    }
  };

  return { isBusy, verify };
}
