/** Something read from the platform, again when the question changes; what is held stays while the answer is out. */

import { useCallback, useEffect, useState } from 'react';
import { type ApiError, get } from './api/client.ts';

const RETRY_MS = 3_000;

export interface Fetched<T> {
  value: T | null;
  /** Whether the value answers the question of now; while the answer is out it is still the last one's. */
  isCurrent: boolean;
  error: ApiError | null;
  reload(): void;
}

export function useFetched<T>(path: string, everyMs?: number): Fetched<T> {
  const [held, setHeld] = useState<{ path: string; value: T } | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const [round, setRound] = useState(0);
  const reload = useCallback(() => setRound((count) => count + 1), []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another round means the same question again
  useEffect(() => {
    const aborted = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    get<T>(path, aborted.signal).then(
      (value) => {
        if (aborted.signal.aborted) return;
        setHeld({ path, value });
        setError(null);
        if (everyMs) timer = setTimeout(reload, everyMs);
      },
      (reason: ApiError) => {
        if (aborted.signal.aborted) return;
        setError(reason);
        if (reason.status === 0 || reason.status >= 500) timer = setTimeout(reload, RETRY_MS);
      },
    );
    return () => {
      aborted.abort();
      clearTimeout(timer);
    };
  }, [path, round, everyMs, reload]);

  return { value: held?.value ?? null, isCurrent: held?.path === path, error, reload };
}
