/** The new-alert sound, made in the browser. Browsers stay silent until somebody has clicked once. */

import type { Severity } from '../api/types.ts';

/** Notes as [hertz, start in seconds]: the more urgent, the higher and the more. */
const TUNES: Record<Severity, readonly (readonly [number, number])[]> = {
  critical: [
    [988, 0],
    [1319, 0.16],
    [988, 0.42],
    [1319, 0.58],
    [988, 0.84],
    [1319, 1.0],
  ],
  high: [
    [784, 0],
    [988, 0.2],
  ],
  low: [[587, 0]],
};
const NOTE_SECONDS = 0.14;
const LOUDNESS = 0.25;

let context: AudioContext | null = null;

/** Must be called from a click. Returns true when the browser will play. */
export async function unlockSound(): Promise<boolean> {
  context ??= new AudioContext();
  await context.resume();
  return context.state === 'running';
}

export function play(severity: Severity): void {
  if (context?.state !== 'running') return;
  for (const [hertz, start] of TUNES[severity]) note(context, hertz, context.currentTime + start);
}

function note(audio: AudioContext, hertz: number, at: number): void {
  const oscillator = audio.createOscillator();
  const gain = audio.createGain();
  oscillator.frequency.value = hertz;
  gain.gain.setValueAtTime(0, at);
  gain.gain.linearRampToValueAtTime(LOUDNESS, at + 0.015);
  gain.gain.linearRampToValueAtTime(0, at + NOTE_SECONDS);
  oscillator.connect(gain).connect(audio.destination);
  oscillator.start(at);
  oscillator.stop(at + NOTE_SECONDS);
}
