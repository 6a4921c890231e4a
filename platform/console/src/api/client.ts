/** The one door to the platform: same origin, cookie session, CSRF token on every POST, a time-out on everything. */

import { observeServerTime } from '../live/now.ts';
import type { Language } from './types.ts';

const TIMEOUT_MS = 10_000;

let csrf = '';

export function setCsrf(token: string): void {
  csrf = token;
}

/** A refusal in the platform's own words, or `unreachable` (status 0) when no answer came. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly messageZh: string,
  ) {
    super(message);
  }

  said(language: Language): string {
    return language === 'zh-CN' ? this.messageZh || this.message : this.message || this.messageZh;
  }
}

export function get<T>(path: string, signal?: AbortSignal): Promise<T> {
  return request<T>(path, { method: 'GET' }, signal);
}

export function post<T>(path: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = { 'X-CSRF-Token': csrf };
  if (body === undefined) return request<T>(path, { method: 'POST', headers });
  headers['Content-Type'] = 'application/json';
  return request<T>(path, { method: 'POST', headers, body: JSON.stringify(body) });
}

async function request<T>(path: string, init: RequestInit, signal?: AbortSignal): Promise<T> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const sentAt = Date.now();
  let response: Response;
  try {
    response = await fetch(path, { ...init, signal: signal ? AbortSignal.any([signal, timeout]) : timeout });
  } catch {
    throw new ApiError(0, 'unreachable', '', '');
  }
  observeServerTime(response.headers.get('Date'), sentAt, Date.now());
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok) throw refusal(response.status, body);
  return body as T;
}

function refusal(status: number, body: unknown): ApiError {
  const error = (body as { error?: { code?: string; message?: string; message_zh?: string } } | null)?.error;
  const unreachable = !error && status >= 502;
  return new ApiError(
    unreachable ? 0 : status,
    unreachable ? 'unreachable' : (error?.code ?? `http_${status}`),
    error?.message ?? '',
    error?.message_zh ?? '',
  );
}
