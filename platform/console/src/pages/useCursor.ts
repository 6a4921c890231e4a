import { useState } from 'react';
import type { Alert } from '../api/types.ts';

export interface Cursor {
  id: number | null;
  /** How often a key has moved it; 0 until then, so that loading never takes the focus. */
  moved: number;
  /** Moves by one row and returns the alert it now stands on. */
  move(by: 1 | -1): number | null;
}

interface Held {
  id: number | null;
  index: number;
  openId: number | null;
  moved: number;
}

const START: Held = { id: null, index: 0, openId: null, moved: 0 };

/**
 * The row that the keys mean. It stays on its alert while others come and go above it; when its alert leaves the
 * list, it stands on the row that has moved up. Opening an alert puts it there.
 */
export function useCursor(rows: readonly Alert[], openId: number | null): Cursor {
  const [held, setHeld] = useState(START);
  const settled = settle(held, rows, openId);
  if (settled !== held) setHeld(settled);

  const move = (by: 1 | -1): number | null => {
    const index = clamp(settled.index + by, rows.length);
    const id = rows[index]?.id ?? null;
    setHeld({ ...settled, id, index, moved: settled.moved + 1 });
    return id;
  };

  return { id: settled.id, moved: settled.moved, move };
}

/** Where the cursor belongs after the rows or the open alert have changed; the same value when nothing has. */
export function settle(held: Held, rows: readonly Alert[], openId: number | null): Held {
  const wanted = openId !== held.openId && openId !== null ? openId : held.id;
  const found = rows.findIndex((row) => row.id === wanted);
  const index = found >= 0 ? found : clamp(held.index, rows.length);
  const id = rows[index]?.id ?? null;
  if (id === held.id && index === held.index && openId === held.openId) return held;
  return { ...held, id, index, openId };
}

function clamp(index: number, length: number): number {
  return Math.max(0, Math.min(index, length - 1));
}
