import type { ReactNode } from 'react';

/** What stands where nothing is to be shown: a plain sentence, and perhaps a second one. */
export function Quiet({ children, hint }: { children: ReactNode; hint?: ReactNode }) {
  return (
    <div className="quiet" data-testid="empty">
      <p>{children}</p>
      {hint && <p className="quiet-hint">{hint}</p>}
    </div>
  );
}
