/** One alert with its card, timeline and offers, kept up to date by the stream. */

import { useCallback, useEffect, useState } from 'react';
import { type ApiError, get } from '../api/client.ts';
import type { AlertDetail, StreamMessage } from '../api/types.ts';
import { useSession } from '../session.tsx';

const SETTLE_MS = 150;
const RETRY_MS = 3_000;

export interface DetailState {
  detail: AlertDetail | null;
  /** The platform says that there is no such alert for us. */
  isMissing: boolean;
  refresh(): void;
}

export function useAlertDetail(id: number): DetailState {
  const { live } = useSession();
  const [detail, setDetail] = useState<AlertDetail | null>(null);
  const [isMissing, setMissing] = useState(false);
  const [round, setRound] = useState(0);
  const refresh = useCallback(() => setRound((held) => held + 1), []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another round means the same question again
  useEffect(() => {
    const aborted = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    get<AlertDetail>(`/api/alerts/${id}`, aborted.signal).then(
      (fresh) => {
        if (aborted.signal.aborted) return;
        setMissing(false);
        setDetail((held) => newest(held, fresh));
      },
      (error: ApiError) => {
        if (aborted.signal.aborted) return;
        if (error.status === 404 || error.status === 403) setMissing(true);
        else timer = setTimeout(refresh, RETRY_MS);
      },
    );
    return () => {
      aborted.abort();
      clearTimeout(timer);
    };
  }, [id, round, refresh]);

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = live.onNews((message) => {
      if (message.alert.id !== id) return;
      setDetail((held) => withEvent(held, message));
      clearTimeout(timer);
      timer = setTimeout(refresh, SETTLE_MS);
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [live, id, refresh]);

  return { detail: detail?.alert.id === id ? detail : null, isMissing, refresh };
}

/** Shows the event at once; cards and offers follow with the next answer. */
export function withEvent(held: AlertDetail | null, { alert, event }: StreamMessage): AlertDetail | null {
  if (held?.alert.id !== alert.id) return held;
  if (held.timeline.some((known) => known.id === event.id)) return held;
  return { ...held, alert, timeline: [...held.timeline, event] };
}

/** An answer that was on its way while the stream said more must not take the newer events away. */
function newest(held: AlertDetail | null, fresh: AlertDetail): AlertDetail {
  if (held?.alert.id !== fresh.alert.id) return fresh;
  const last = fresh.timeline.at(-1)?.id ?? 0;
  const newer = held.timeline.filter((event) => event.id > last);
  if (newer.length === 0) return fresh;
  return { ...fresh, alert: held.alert, timeline: [...fresh.timeline, ...newer] };
}
