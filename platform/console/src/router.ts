/** Pages are hash addresses (`#/queue/7`), so the server needs to know one page only. */

import { useSyncExternalStore } from 'react';

export interface Route {
  page: string;
  /** What is open on the page: an alert's number or a home's code. */
  open: string | null;
}

export function parseRoute(hash: string): Route {
  const [page = '', open = ''] = hash.replace(/^#\/?/, '').split('/');
  return { page, open: open ? decodeURIComponent(open) : null };
}

export function hrefOf(page: string, open?: string | number | null): string {
  return open === undefined || open === null ? `#/${page}` : `#/${page}/${encodeURIComponent(open)}`;
}

export function go(page: string, open?: string | number | null): void {
  location.hash = hrefOf(page, open);
}

export function useRoute(): Route {
  return parseRoute(useSyncExternalStore(subscribe, () => location.hash));
}

function subscribe(listener: () => void): () => void {
  addEventListener('hashchange', listener);
  return () => removeEventListener('hashchange', listener);
}
