/** The server's clock as seen from here: a desk with a wrong clock must not show wrong waiting times. */

const TOLERANCE_MS = 1_500;

let offsetMs = 0;

/** `date` is an HTTP Date header (whole seconds); half a second is its mean error. */
export function observeServerTime(date: string | null, sentAt: number, receivedAt: number): void {
  const server = date ? Date.parse(date) : Number.NaN;
  if (Number.isNaN(server)) return;
  const measured = server + 500 - (sentAt + receivedAt) / 2;
  offsetMs = Math.abs(measured) > TOLERANCE_MS ? measured : 0;
}

/** Milliseconds since 1970 by the server's clock. */
export function serverNow(): number {
  return Date.now() + offsetMs;
}
