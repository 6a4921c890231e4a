/**
 * One EventSource that does not give up: after an error a new one goes on from the last event id, waiting at most
 * three seconds between tries. `stop` (the server goes down in order) reconnects too; `reset` asks for a reload.
 */

import type { StreamMessage } from '../api/types.ts';

export type Link = 'connecting' | 'up' | 'down';

export interface StreamHandlers {
  onMessage(message: StreamMessage): void;
  onReset(): void;
  onLink(link: Link): void;
}

export type SourceMaker = (url: string) => EventSource;

const WAITS_MS = [250, 500, 1_000, 2_000, 3_000] as const;
const LONGEST_WAIT_MS = 3_000;
/** A connection that neither opens nor fails counts as failed. */
const OPEN_TIMEOUT_MS = 4_000;

export class Stream {
  #source: EventSource | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #tries = 0;
  #position = 0;
  #closed = true;

  constructor(
    private readonly handlers: StreamHandlers,
    private readonly makeSource: SourceMaker = (url) => new EventSource(url),
  ) {}

  open(position: number): void {
    this.#position = position;
    this.#closed = false;
    this.#tries = 0;
    this.#connect();
  }

  close(): void {
    this.#closed = true;
    this.#drop();
  }

  /** Whatever state it is in: connect anew, now (the network is back) or after the usual wait (it is lost). */
  reconnect(now: boolean): void {
    if (this.#closed) return;
    if (now) this.#tries = 0;
    this.handlers.onLink('down');
    this.#drop();
    this.#timer = setTimeout(() => this.#connect(), now ? 0 : this.#nextWait());
  }

  #connect(): void {
    this.#drop();
    const source = this.makeSource(`/api/stream?after=${this.#position}`);
    this.#source = source;
    this.#timer = setTimeout(() => this.reconnect(false), OPEN_TIMEOUT_MS);
    source.onopen = () => {
      clearTimeout(this.#timer);
      this.#tries = 0;
      this.handlers.onLink('up');
    };
    source.onerror = () => this.reconnect(false);
    source.addEventListener('stop', () => this.reconnect(false));
    source.addEventListener('reset', () => this.#reset());
    source.addEventListener('alert', (event) => this.#receive(event as MessageEvent<string>));
  }

  /** The position is of no use any more: silent until `open` gives a new one. */
  #reset(): void {
    this.#drop();
    this.handlers.onLink('down');
    this.handlers.onReset();
  }

  #receive(event: MessageEvent<string>): void {
    const message = JSON.parse(event.data) as StreamMessage;
    this.#position = Math.max(this.#position, Number(event.lastEventId) || message.event.id);
    this.handlers.onMessage(message);
  }

  #drop(): void {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  #nextWait(): number {
    const wait = WAITS_MS[this.#tries] ?? LONGEST_WAIT_MS;
    this.#tries += 1;
    return wait;
  }
}
