import { Modal } from 'antd';
import { useCallback, useState } from 'react';
import { useI18n } from '../i18n/i18n.tsx';
import { useKeys } from '../keys.ts';

/** The sheet that `?` opens. */
export function Shortcuts() {
  const { t } = useI18n();
  const [isOpen, setOpen] = useState(false);
  useKeys({ '?': useCallback(() => setOpen(true), []) });

  const rows = [
    ['j  k', t('shortcuts.move')],
    ['Enter', t('shortcuts.open')],
    ['a', t('shortcuts.accept')],
    ['Esc', t('shortcuts.close')],
    ['?', t('shortcuts.help')],
  ] as const;

  return (
    <Modal
      title={t('shortcuts.title')}
      open={isOpen}
      onCancel={() => setOpen(false)}
      footer={null}
      width={380}
      data-testid="shortcuts"
    >
      <dl className="shortcuts">
        {rows.map(([keys, what]) => (
          <div key={keys}>
            <dt>
              {keys.split('  ').map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Modal>
  );
}
