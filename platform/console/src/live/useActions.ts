/** The buttons of an alert: ask the platform, show its answer, say what happened. */

import { App } from 'antd';
import { useCallback, useState } from 'react';
import { ApiError, post } from '../api/client.ts';
import type { Alert, Outcome } from '../api/types.ts';
import { useI18n } from '../i18n/i18n.tsx';
import { useSession } from '../session.tsx';

export type Step =
  | 'accept'
  | 'dispatch'
  | 'on_the_way'
  | 'there'
  | 'inside'
  | 'no_entry'
  | 'checkin'
  | 'release';
export type Action = Step | 'decline' | 'resolve' | 'note';

const PATHS: Record<Action, string> = {
  accept: 'accept',
  decline: 'decline',
  dispatch: 'dispatch',
  on_the_way: 'on-the-way',
  there: 'there',
  inside: 'inside',
  no_entry: 'no-entry',
  checkin: 'checkin',
  release: 'release',
  resolve: 'resolve',
  note: 'note',
};

export interface Actions {
  /** The action that is on its way, if any. */
  busy: Action | null;
  /** Each resolves to true when the platform has done it; a refusal is said on the page. */
  step(alert: Alert, step: Step): Promise<boolean>;
  decline(alert: Alert): Promise<boolean>;
  resolve(alert: Alert, outcome: Outcome, note: string): Promise<boolean>;
  note(alert: Alert, text: string): Promise<boolean>;
}

export function useActions(): Actions {
  const { live } = useSession();
  const { t, said } = useI18n();
  const { message } = App.useApp();
  const refuse = useRefusal();
  const [busy, setBusy] = useState<Action | null>(null);

  const act = useCallback(
    async (alert: Alert, action: Action, body?: unknown): Promise<boolean> => {
      setBusy(action);
      try {
        const answer = await post<{ alert: Alert } | null>(`/api/alerts/${alert.id}/${PATHS[action]}`, body);
        // Who has declined or handed it back may not see it any more: no event will tell this page.
        if (answer && action !== 'release') live.put(answer.alert);
        else void live.reload();
        const shown = answer?.alert ?? alert;
        const what = shown.elder ?? shown.device ?? said(`alert.kind.${alert.kind}`);
        message.success(t(`action.done.${action}`, { what }));
        return true;
      } catch (error) {
        refuse(error);
        void live.reload();
        return false;
      } finally {
        setBusy(null);
      }
    },
    [live, t, said, message, refuse],
  );

  return {
    busy,
    step: (alert, step) => act(alert, step),
    decline: (alert) => act(alert, 'decline'),
    resolve: (alert, outcome, note) => act(alert, 'resolve', { outcome, note }),
    note: (alert, text) => act(alert, 'note', { text }),
  };
}

/** Says on the page why something did not work, in the platform's words where it has some. */
export function useRefusal(): (error: unknown) => void {
  const { t, language } = useI18n();
  const { message } = App.useApp();
  return useCallback(
    (error) => {
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 0) message.error(t('error.unreachable'));
      else if (error.code === 'taken') message.warning(error.said(language) || t('error.taken'));
      else message.error(error.said(language) || t('error.unknown', { code: error.code }));
    },
    [t, language, message],
  );
}
