import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { StreamMessage } from '../src/api/types.ts';
import { type Link, Stream } from '../src/live/stream.ts';
import { message } from './make.ts';

/** An EventSource whose fate the test decides. */
class FakeSource extends EventTarget {
  static made: FakeSource[] = [];
  onopen: (() => void) | null = null;
  onerror: (() => void) | null = null;
  closed = false;

  constructor(readonly url: string) {
    super();
    FakeSource.made.push(this);
  }

  close(): void {
    this.closed = true;
  }

  send(id: number): void {
    const event = new Event('alert');
    this.dispatchEvent(Object.assign(event, { data: JSON.stringify(message(id)), lastEventId: String(id) }));
  }
}

let links: Link[];
let messages: StreamMessage[];
let resets: number;
let stream: Stream;

beforeEach(() => {
  vi.useFakeTimers();
  FakeSource.made = [];
  links = [];
  messages = [];
  resets = 0;
  stream = new Stream(
    {
      onMessage: (received) => messages.push(received),
      onReset: () => {
        resets += 1;
      },
      onLink: (link) => links.push(link),
    },
    (url) => new FakeSource(url) as unknown as EventSource,
  );
});

afterEach(() => {
  stream.close();
  vi.useRealTimers();
});

function newest(): FakeSource {
  const source = FakeSource.made.at(-1);
  if (!source) throw new Error('no source was made');
  return source;
}

test('goes on after the last event id when the line breaks', () => {
  stream.open(10);
  expect(newest().url).toBe('/api/stream?after=10');
  newest().onopen?.();
  newest().send(11);
  newest().send(12);
  newest().onerror?.();
  expect(FakeSource.made[0]?.closed).toBe(true);
  vi.advanceTimersByTime(300);
  expect(newest().url).toBe('/api/stream?after=12');
  newest().onopen?.();
  expect(links).toEqual(['up', 'down', 'up']);
  expect(messages.map((received) => received.event.id)).toEqual([11, 12]);
});

test('never waits longer than three seconds, and never gives up', () => {
  stream.open(0);
  for (let round = 0; round < 50; round += 1) {
    const made = FakeSource.made.length;
    newest().onerror?.();
    vi.advanceTimersByTime(3_000);
    expect(FakeSource.made.length).toBe(made + 1);
  }
});

test('a connection that hangs while it opens is replaced', () => {
  stream.open(0);
  vi.advanceTimersByTime(4_500);
  expect(FakeSource.made.length).toBe(2);
  expect(links).toContain('down');
});

test('reset asks for a reload and waits for its position, which may be lower', () => {
  stream.open(500);
  newest().dispatchEvent(new Event('reset'));
  expect(resets).toBe(1);
  vi.advanceTimersByTime(10_000);
  expect(FakeSource.made.length).toBe(1);
  stream.open(3);
  expect(newest().url).toBe('/api/stream?after=3');
});

test('stop reconnects, closing ends it', () => {
  stream.open(5);
  newest().onopen?.();
  newest().dispatchEvent(new Event('stop'));
  vi.advanceTimersByTime(300);
  expect(FakeSource.made.length).toBe(2);
  stream.close();
  newest().onerror?.();
  vi.advanceTimersByTime(10_000);
  expect(FakeSource.made.length).toBe(2);
});
