/**
 * Notices a line that died without a word. The stream's pings are comments, which a page cannot see, so a small
 * question is asked every two seconds; no answer within two means that the stream is not to be trusted either.
 */

const EVERY_MS = 2_000;
const TIMEOUT_MS = 2_000;

export class Pulse {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #alive = true;
  #running = false;

  /** `reconnect(now)`: `now` is true when the line is back, false when it has just been lost. */
  constructor(private readonly reconnect: (now: boolean) => void) {}

  start(): void {
    this.#running = true;
    addEventListener('offline', this.#lost);
    addEventListener('online', this.#found);
    document.addEventListener('visibilitychange', this.#ask);
    this.#timer = setTimeout(this.#ask, EVERY_MS);
  }

  stop(): void {
    this.#running = false;
    clearTimeout(this.#timer);
    removeEventListener('offline', this.#lost);
    removeEventListener('online', this.#found);
    document.removeEventListener('visibilitychange', this.#ask);
  }

  #ask = async (): Promise<void> => {
    clearTimeout(this.#timer);
    const alive = await answers();
    if (!this.#running) return;
    if (alive) this.#found();
    else this.#lost();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#ask, EVERY_MS);
  };

  #lost = (): void => {
    if (!this.#alive) return;
    this.#alive = false;
    this.reconnect(false);
  };

  #found = (): void => {
    if (this.#alive) return;
    this.#alive = true;
    this.reconnect(true);
  };
}

async function answers(): Promise<boolean> {
  try {
    const response = await fetch('/healthz', { cache: 'no-store', signal: AbortSignal.timeout(TIMEOUT_MS) });
    return response.status < 502;
  } catch {
    return false;
  }
}
