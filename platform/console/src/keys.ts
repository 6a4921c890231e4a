import { useEffect } from 'react';

export type KeyMap = Readonly<Record<string, (event: KeyboardEvent) => void>>;

/** Single keys for the whole page; silent while somebody types, holds a modifier or has a dialog open. */
export function useKeys(keys: KeyMap): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      const handler = keys[event.key];
      if (!handler || event.ctrlKey || event.metaKey || event.altKey || isBusy(event.target)) return;
      handler(event);
    };
    addEventListener('keydown', onKeyDown);
    return () => removeEventListener('keydown', onKeyDown);
  }, [keys]);
}

function isBusy(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.closest('input, textarea, select, [contenteditable], [role="dialog"]')) return true;
  return document.querySelector('.ant-modal-wrap:not([style*="display: none"])') !== null;
}
