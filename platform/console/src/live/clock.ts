/** How long something has lasted, and which of the two lines it has crossed. */

/** Seconds within which somebody must have accepted, and after which the whole ladder must have been climbed. */
export const FIRST_LINE_SECONDS = 60;
export const SECOND_LINE_SECONDS = 180;

export type Line = 'within' | 'past_first' | 'past_second';

/** Whole seconds from one ISO time to `until` (milliseconds); never negative. */
export function secondsSince(from: string, until: number): number {
  return Math.max(0, Math.floor((until - Date.parse(from)) / 1000));
}

export function secondsBetween(from: string, to: string): number {
  return secondsSince(from, Date.parse(to));
}

/** 42 → `0:42`, 3725 → `1:02:05`, 200000 → `2d 07:33` (`day` is the word for a day). */
export function formatClock(seconds: number, day = 'd'): string {
  const days = Math.floor(seconds / 86_400);
  const hours = Math.floor((seconds % 86_400) / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  if (days > 0) return `${days}${day} ${two(hours)}:${two(minutes)}`;
  const rest = two(seconds % 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${rest}` : `${minutes}:${rest}`;
}

export function lineOf(seconds: number): Line {
  if (seconds < FIRST_LINE_SECONDS) return 'within';
  return seconds < SECOND_LINE_SECONDS ? 'past_first' : 'past_second';
}

/** How full the bar is, 0 to 1, on a scale that ends at the second line. */
export function filled(seconds: number): number {
  return Math.min(1, seconds / SECOND_LINE_SECONDS);
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
