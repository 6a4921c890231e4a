/** Whether somebody sits at this desk and wants to hear alerts; also keeps the screen awake meanwhile. */

import { play, unlockSound } from './sound.ts';

const listeners = new Set<() => void>();
let on = false;
let wakeLock: WakeLockSentinel | null = null;

export function isOn(): boolean {
  return on;
}

export function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Call from a click. False when the browser does not allow sound. */
export async function start(): Promise<boolean> {
  if (!(await unlockSound())) return false;
  set(true);
  play('low');
  void keepAwake();
  return true;
}

export function stop(): void {
  set(false);
  void wakeLock?.release();
  wakeLock = null;
}

/** Browsers take the lock away when the tab is hidden: ask again when it is back. */
async function keepAwake(): Promise<void> {
  if (!on || document.visibilityState !== 'visible' || !('wakeLock' in navigator)) return;
  wakeLock = await navigator.wakeLock.request('screen').catch(() => null);
}

document.addEventListener('visibilitychange', () => void keepAwake());

function set(value: boolean): void {
  on = value;
  for (const listener of listeners) listener();
}
