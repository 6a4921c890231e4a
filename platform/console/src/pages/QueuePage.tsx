import { App } from 'antd';
import { useCallback, useEffect, useMemo, useSyncExternalStore } from 'react';
import type { Alert } from '../api/types.ts';
import { useI18n } from '../i18n/i18n.tsx';
import { useKeys } from '../keys.ts';
import * as shift from '../live/shift.ts';
import { inOrder } from '../live/store.ts';
import { useActions } from '../live/useActions.ts';
import { Quiet } from '../parts/Quiet.tsx';
import { go } from '../router.ts';
import { useLiveState } from '../session.tsx';
import { AlertPanel } from './AlertPanel.tsx';
import { QueueHead } from './QueueHead.tsx';
import { QueueRow } from './QueueRow.tsx';
import { useCursor } from './useCursor.ts';

/** The live list, most urgent first, and beside it the alert that is open. */
export function QueuePage({ open }: { open: string | null }) {
  const { t } = useI18n();
  const { alerts, loaded } = useLiveState();
  const rows = useMemo(() => inOrder(alerts.values()), [alerts]);
  const openId = open === null ? null : Number(open);
  const cursor = useCursor(rows, openId);
  useQueueKeys(rows, openId, cursor);
  const close = useCallback(() => go('queue'), []);

  return (
    <div className={openId === null ? 'split' : 'split split-open'}>
      <div className="split-main">
        <QueueHead rows={rows} />
        <SoundOff />
        {loaded && rows.length === 0 && <Quiet hint={t('queue.empty.hint')}>{t('queue.empty')}</Quiet>}
        {!loaded && <Quiet>{t('loading')}</Quiet>}
        {rows.length > 0 && (
          <table className="queue" data-testid="queue">
            <caption className="for-readers">{t('queue.table')}</caption>
            <thead>
              <tr>
                <th scope="col">{t('queue.severity')}</th>
                <th scope="col">{t('queue.clock')}</th>
                <th scope="col">{t('queue.elder')}</th>
                <th scope="col">{t('queue.why')}</th>
                <th scope="col" className="col-district">
                  {t('queue.district')}
                </th>
                <th scope="col">{t('queue.state')}</th>
                <th scope="col" className="col-handler">
                  {t('queue.handler')}
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.map((alert) => (
                <QueueRow
                  key={alert.id}
                  alert={alert}
                  isCurrent={alert.id === cursor.id}
                  isOpen={alert.id === openId}
                />
              ))}
            </tbody>
          </table>
        )}
        <p className="hint">{t('queue.hint')}</p>
      </div>
      {openId !== null && <AlertPanel id={openId} onClose={close} />}
    </div>
  );
}

function SoundOff() {
  const { t } = useI18n();
  const isOn = useSyncExternalStore(shift.subscribe, shift.isOn);
  return isOn ? null : <p className="sound-off">{t('header.startShift.hint')}</p>;
}

function useQueueKeys(rows: Alert[], openId: number | null, cursor: ReturnType<typeof useCursor>): void {
  const { t } = useI18n();
  const { message } = App.useApp();
  const actions = useActions();

  const move = (by: 1 | -1) => (event: KeyboardEvent) => {
    event.preventDefault();
    const id = cursor.move(by);
    // With an alert open beside the list, what is open follows: `a` never means another than the one read.
    if (id !== null && openId !== null) go('queue', id);
  };
  const accept = () => {
    const alert = rows.find((row) => row.id === cursor.id);
    if (!alert || actions.busy) return;
    if (openId !== null && openId !== alert.id) go('queue', alert.id);
    else if (alert.state !== 'open') message.info(t('action.already'));
    else void actions.step(alert, 'accept');
  };
  const close = () => go('queue');
  const openCurrent = (event: KeyboardEvent) => {
    if (event.target === document.body && cursor.id !== null) go('queue', cursor.id);
  };

  useKeys({
    j: move(1),
    k: move(-1),
    ArrowDown: move(1),
    ArrowUp: move(-1),
    a: accept,
    Enter: openCurrent,
    Escape: close,
  });

  // biome-ignore lint/correctness/useExhaustiveDependencies: only a key may take the focus, not a row that goes
  useEffect(() => {
    if (cursor.moved > 0) document.getElementById(`alert-link-${cursor.id}`)?.focus();
  }, [cursor.moved]);
}
