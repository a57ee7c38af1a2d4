import { parsedBody, type Transport } from '@countersign/auth';
import { type Pool } from 'undici';

export const ACCOUNTS_CONNECTION = Symbol('countersign.payments.accounts-connection');

/** Maximum bytes of an answer that are read. */
const ANSWER_LIMIT = 256 * 1024;

/** Maximum connections to accounts kept open. */
const CONNECTIONS = 64;

export interface AccountsConnection {
  /** Where accounts listens. */
  readonly url: string;
  readonly transport: Transport;
  close(): Promise<void>;
}

const pathOf = ({ pathname, search }: URL): string => pathname + search;

/** Keep-alive connections to accounts; redirects are not followed. @param url where accounts listens */
export function connectToAccounts(url: string): AccountsConnection {
  const base = new URL(url);
  let pool: Promise<Pool> | undefined;
  // A hundred files, which are not needed at startup.
  const open = async (): Promise<Pool> => {
    const undici = await import('undici');
    return new undici.Pool(base.origin, {
      connections: CONNECTIONS,
      connectTimeout: 2_000,
      maxResponseSize: ANSWER_LIMIT,
    });
  };
  return {
    url,
    async transport({ method, url: address, headers, body, signal }) {
      const opened = await (pool ??= open());
      const answer = await opened.request({
        method,
        path: pathOf(new URL(address)),
        headers: { ...headers },
        body: typeof body === 'string' ? body : null,
        signal,
      });
      const text = await answer.body.text();
      const read = new Headers();
      for (const [name, value] of Object.entries(answer.headers)) {
        for (const each of Array.isArray(value) ? value : [value ?? '']) read.append(name, each);
      }
      return {
        status: answer.statusCode,
        headers: read,
        body: parsedBody(text, read.get('content-type')),
        tooLarge: false,
      };
    },
    async close() {
      await (await pool)?.close();
    },
  };
}
