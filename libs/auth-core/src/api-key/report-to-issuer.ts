import { randomUUID } from 'node:crypto';
import { type TokenClient } from '../client/token-client.js';
import { endpointOf, protectedUrl } from '../endpoint.js';
import { undirectedFetch } from '../undirected-fetch.js';
import { type ApiKeyUsageReport } from './usage.js';

/** The scope with which a service reports on API keys, at the audience `issuer`. */
export const API_KEY_REPORT_SCOPE = 'api-keys:report';

export interface IssuerReporterOptions {
  readonly issuer: string;
  /** The service's own client. */
  readonly tokens: TokenClient;
  readonly allowPlainHttp?: boolean;
  readonly timeoutMs?: number;
  readonly fetch?: typeof globalThis.fetch;
}

export interface IssuerReporter {
  /** Reports what was counted; by its id the issuer counts a report once. @throws {Error} when it did not arrive */
  usage(reports: readonly (ApiKeyUsageReport & { readonly id: string })[]): Promise<void>;
  /** Reports a key that was sent in an address. @throws {Error} when it did not arrive */
  exposed(key: string): Promise<void>;
}

/** Reports on API keys to the issuer, as the service's own client. */
export function reportToIssuer(options: IssuerReporterOptions): IssuerReporter {
  const {
    issuer,
    tokens,
    allowPlainHttp,
    timeoutMs = 5_000,
    fetch: send = (...request) => fetch(...request),
  } = options;
  async function post(path: `/${string}`, body: object): Promise<void> {
    const { token } = await tokens.getToken({ audience: 'issuer', scopes: [API_KEY_REPORT_SCOPE] });
    const response = await undirectedFetch(send, protectedUrl(endpointOf(issuer, path), allowPlainHttp), {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(timeoutMs),
    });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`the issuer answered ${String(response.status)} to a report on API keys`);
  }
  return {
    usage: (reports) => post('/api-keys/usage', { reports }),
    exposed: (key) => post('/api-keys/exposures', { api_key: key }),
  };
}

/** Reports that wait for the issuer at most; what is counted beyond them waits in its counters. */
const WAITING_LIMIT = 20;

/**
 * Hands on what is counted straight to the issuer, and keeps in memory what does not arrive: for a service that has no database of its own.
 * A report that is sent again has the id that it had, so that the issuer counts it once.
 */
export function reportsOf(options: IssuerReporterOptions): {
  readonly onUsage: (report: ApiKeyUsageReport) => Promise<void>;
  readonly onExposed: (key: string) => Promise<void>;
} {
  const reporter = reportToIssuer(options);
  const waiting: (ApiKeyUsageReport & { readonly id: string })[] = [];
  return {
    onUsage: async (report) => {
      if (waiting.length >= WAITING_LIMIT) {
        await reporter.usage(waiting);
        waiting.length = 0;
      }
      waiting.push({ ...report, id: randomUUID() });
      await reporter.usage(waiting).then(
        () => {
          waiting.length = 0;
        },
        () => undefined,
      );
    },
    onExposed: (key) => reporter.exposed(key),
  };
}
