/** The live feed of one signed-in page: list, stream and pulse together, and who wants to hear of it. */

import { ApiError, get } from '../api/client.ts';
import type { Alert, AlertList, StreamMessage } from '../api/types.ts';
import { Pulse } from './pulse.ts';
import { answered, apply, EMPTY, type LiveState, load } from './store.ts';
import { type Link, type SourceMaker, Stream } from './stream.ts';

/**
 * The stream is a hint, this is the guarantee: the list is read again this often. Helpers more often, since no event
 * reaches them when an alert that they were asked about goes to somebody else.
 */
const RELOAD_MS = { desk: 20_000, helper: 5_000 } as const;
const RETRY_MS = 2_000;
const LIST_LIMIT = 200;

type Listener = () => void;
type NewsListener = (message: StreamMessage) => void;

export class Live {
  #state: LiveState = EMPTY;
  #link: Link = 'connecting';
  #listeners = new Set<Listener>();
  #newsListeners = new Set<NewsListener>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running = false;
  #stream: Stream;
  #pulse: Pulse;

  constructor(
    private readonly reader: keyof typeof RELOAD_MS,
    private readonly onSignedOut: () => void,
    makeSource?: SourceMaker,
  ) {
    const handlers = {
      onMessage: (message: StreamMessage) => this.#receive(message),
      onReset: () => void this.reload(true),
      onLink: (link: Link) => this.#setLink(link),
    };
    this.#stream = new Stream(handlers, makeSource);
    this.#pulse = new Pulse((now) => this.#stream.reconnect(now));
  }

  start(): void {
    this.#running = true;
    this.#pulse.start();
    void this.reload(true);
  }

  stop(): void {
    this.#running = false;
    clearTimeout(this.#timer);
    this.#pulse.stop();
    this.#stream.close();
  }

  state = (): LiveState => this.#state;
  link = (): Link => this.#link;

  subscribe = (listener: Listener): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Hear every new stream message once, in order. */
  onNews = (listener: NewsListener): (() => void) => {
    this.#newsListeners.add(listener);
    return () => this.#newsListeners.delete(listener);
  };

  /** The answer to a button is shown at once; the stream says the same a moment later. */
  put(alert: Alert): void {
    this.#set(answered(this.#state, alert));
  }

  /** Reads the list; `fresh` forgets what was held and starts the stream from the list's position. */
  async reload(fresh = false): Promise<void> {
    clearTimeout(this.#timer);
    const ok = await this.#load(fresh);
    if (!this.#running) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.reload(fresh && !ok), ok ? RELOAD_MS[this.reader] : RETRY_MS);
  }

  async #load(fresh: boolean): Promise<boolean> {
    try {
      const list = await get<AlertList>(`/api/alerts?state=live&limit=${LIST_LIMIT}`);
      if (!this.#running) return true;
      this.#set(load(fresh ? EMPTY : this.#state, list.alerts, list.position));
      if (fresh) this.#stream.open(list.position);
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) this.onSignedOut();
      else if (fresh) this.#setLink('down');
      return false;
    }
  }

  #receive(message: StreamMessage): void {
    const before = this.#state;
    this.#set(apply(before, message));
    if (this.#state !== before) for (const listener of this.#newsListeners) listener(message);
  }

  #set(state: LiveState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#tell();
  }

  #setLink(link: Link): void {
    if (link === this.#link) return;
    this.#link = link;
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
