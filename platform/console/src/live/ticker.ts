/** One timer for every running clock on the page. */

import { useSyncExternalStore } from 'react';
import { serverNow } from './now.ts';

const listeners = new Set<() => void>();
let second = wholeSecond();
let timer: ReturnType<typeof setInterval> | undefined;

/** The server's time in milliseconds, cut to the second; the component renders anew each second. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => second);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  second = wholeSecond();
  timer ??= setInterval(tick, 250);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

function tick(): void {
  const next = wholeSecond();
  if (next === second) return;
  second = next;
  for (const listener of listeners) listener();
}

function wholeSecond(): number {
  return Math.floor(serverNow() / 1000) * 1000;
}
