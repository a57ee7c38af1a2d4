import { Pool } from 'undici';

export const ACCOUNTS_CONNECTION = Symbol('countersign.payments.accounts-connection');

/** One request to accounts, as it goes over the wire. */
export interface AccountsRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
}

export interface AccountsAnswer {
  readonly status: number;
  /** Parsed JSON; nothing when it was none. */
  readonly body: unknown;
}

/** Carries one request; rejects when there is no answer. */
export type Send = (request: AccountsRequest) => Promise<AccountsAnswer>;

/** Bytes of an answer that are read at the most. */
const ANSWER_LIMIT = 256 * 1024;

/** Connections to accounts that are kept open at the most. */
const CONNECTIONS = 64;

export interface AccountsConnection {
  readonly send: Send;
  close(): Promise<void>;
}

/** Keep-alive connections to accounts; redirects are not followed. @param url where accounts listens */
export function connectToAccounts(url: string): AccountsConnection {
  const base = new URL(url);
  const prefix = base.pathname.replace(/\/$/, '');
  const pool = new Pool(base.origin, {
    connections: CONNECTIONS,
    connectTimeout: 2_000,
    maxResponseSize: ANSWER_LIMIT,
  });
  return {
    async send({ method, path, headers, body, signal }) {
      const answer = await pool.request({
        method,
        path: prefix + path,
        headers: { ...headers },
        body: body ?? null,
        signal,
      });
      const parsed: unknown = await answer.body.json().catch(() => undefined);
      return { status: answer.statusCode, body: parsed };
    },
    close: () => pool.close(),
  };
}

const unsentCodes = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** Whether the failure says for certain that the request has not left this service. */
export function wasNotSent(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.every(wasNotSent);
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && unsentCodes.has(error.code);
}
