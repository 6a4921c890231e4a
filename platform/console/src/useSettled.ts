import { useEffect, useState } from 'react';

const TYPING_MS = 200;

/** The value once it has stood still for a moment: one question per word, not per letter. */
export function useSettled(value: string): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), TYPING_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}
