import type { Me } from '../api/types.ts';
import { isDesk } from '../session.tsx';

const DESK = ['queue', 'history', 'homes', 'devices', 'coverage', 'quarantine', 'visits'];

/** The pages that fit somebody's roles, the first being where they start. */
export function pagesOf(me: Me): string[] {
  if (!isDesk(me.role)) return ['me'];
  return me.roles.every(isDesk) ? DESK : [...DESK, 'me'];
}
