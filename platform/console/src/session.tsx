/** Who is signed in, and the live feed that belongs to them. */

import { createContext, useContext, useSyncExternalStore } from 'react';
import type { Me, Role } from './api/types.ts';
import type { Live } from './live/live.ts';
import type { LiveState } from './live/store.ts';
import type { Link } from './live/stream.ts';

export interface Session {
  me: Me;
  live: Live;
  signOut(): void;
}

export const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error('useSession needs a SessionContext above it');
  return session;
}

export function useLiveState(): LiveState {
  const { live } = useSession();
  return useSyncExternalStore(live.subscribe, live.state);
}

export function useLink(): Link {
  const { live } = useSession();
  return useSyncExternalStore(live.subscribe, live.link);
}

/** Operators and supervisors see the desk, everybody else their own page. */
export function isDesk(role: Role): boolean {
  return role === 'operator' || role === 'supervisor';
}
