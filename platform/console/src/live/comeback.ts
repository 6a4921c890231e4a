/** Where somebody wanted to go before they were asked to sign in: the link that signs them in opens the page anew. */

const KEY = 'cloudfamily.comeback';
const PATIENCE_MS = 15 * 60_000;
/** Only what a label's QR code opens; anything else begins at its start. */
const WORTH = /^#\/bind\/[A-Za-z0-9_.-]{1,64}$/;

export function remember(hash: string, now: number): void {
  if (WORTH.test(hash)) localStorage.setItem(KEY, JSON.stringify({ hash, until: now + PATIENCE_MS }));
}

/** The address, once, if it was not too long ago. */
export function take(now: number): string | null {
  const kept = localStorage.getItem(KEY);
  localStorage.removeItem(KEY);
  try {
    const { hash, until } = JSON.parse(kept ?? '{}') as { hash?: unknown; until?: unknown };
    return typeof hash === 'string' && WORTH.test(hash) && typeof until === 'number' && now < until
      ? hash
      : null;
  } catch {
    return null;
  }
}
