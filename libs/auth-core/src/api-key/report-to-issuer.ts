import { randomUUID } from 'node:crypto';
import { type TokenClient } from '../client/token-client.js';
import { endpointOf, protectedUrl } from '../endpoint.js';
import { undirectedFetch } from '../undirected-fetch.js';
import { type ApiKeyUsageReport } from './usage.js';

/** The scope with which a service reports on API keys, at the audience `issuer`. */
export const API_KEY_REPORT_SCOPE = 'api-keys:report';

/** The issuer that is reported to, and the client that reports. */
export interface IssuerReporterOptions {
  readonly issuer: string;
  /** The service's own client. */
  readonly tokens: Pick<TokenClient, 'getToken' | 'forget'>;
  readonly allowPlainHttp?: boolean;
  readonly timeoutMs?: number;
  readonly fetch?: typeof globalThis.fetch;
}

/** A report with the id that makes the issuer count it once. */
export interface SentReport extends ApiKeyUsageReport {
  readonly id: string;
}

/** Statuses that concern the content: sending the same again is refused again. */
const aboutReport: ReadonlySet<number> = new Set([400, 413, 422]);

/** The issuer refuses the report's content, however often it is sent. */
export class ReportRefused extends Error {
  readonly code = 'REPORT_REFUSED';

  /** @param status of the answer: 400, 413 or 422 */
  constructor(readonly status: number) {
    super(`the issuer refused a report on API keys (${String(status)})`);
    this.name = 'ReportRefused';
  }
}

/** Sends one report at a time, and warns that one was refused if no logger does: once, until another is accepted. */
export class WarnedReports {
  #isRefused = false;

  /**
   * @param send throws {@link ReportRefused} when the issuer refuses them, something else when they did not arrive
   * @param consequence what happens to a refused report
   */
  constructor(
    private readonly send: (reports: readonly SentReport[]) => Promise<void>,
    private readonly consequence: string,
  ) {}

  /** @returns whether the issuer accepted the report; false when it refused it. @throws when it did not arrive */
  async take(report: SentReport): Promise<boolean> {
    try {
      await this.send([report]);
      this.#isRefused = false;
    } catch (error) {
      if (!(error instanceof ReportRefused)) throw error;
      if (!this.#isRefused)
        process.emitWarning(`${error.message}: ${this.consequence}`, { code: 'COUNTERSIGN_API_KEY_REPORT' });
      this.#isRefused = true;
    }
    return !this.#isRefused;
  }
}

/** Reports observations of API keys to the issuer. */
export interface IssuerReporter {
  /**
   * Reports usage; the id makes the issuer count a report once.
   * @throws {ReportRefused} when the issuer refuses all of them because of the content of one
   * @throws {Error} when they did not arrive
   */
  usage(reports: readonly SentReport[]): Promise<void>;
  /** Reports a key that was sent in a URL. @throws {Error} when it did not arrive */
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
    const granted = await tokens.getToken({ audience: 'issuer', scopes: [API_KEY_REPORT_SCOPE] });
    const response = await undirectedFetch(send, protectedUrl(endpointOf(issuer, path), allowPlainHttp), {
      method: 'POST',
      headers: { authorization: `Bearer ${granted.token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(timeoutMs),
    });
    await response.body?.cancel();
    if (response.status === 401) tokens.forget(granted);
    if (aboutReport.has(response.status)) throw new ReportRefused(response.status);
    if (!response.ok) throw new Error(`the issuer answered ${String(response.status)} to a report on API keys`);
  }
  return {
    usage: (reports) => post('/api-keys/usage', { reports }),
    exposed: (key) => post('/api-keys/exposures', { api_key: key }),
  };
}

/**
 * Reports usage directly to the issuer, and keeps undelivered reports in memory: a crash loses what the issuer does not have. A failed report is
 * kept and sent again under its id, because it may have arrived; later usage is added to the next one. One that the issuer refuses is dropped, with a
 * warning of the process (`COUNTERSIGN_API_KEY_REPORT`).
 */
export function reportsOf(options: IssuerReporterOptions): {
  readonly onUsage: (report: ApiKeyUsageReport) => Promise<void>;
  readonly onExposed: (key: string) => Promise<void>;
} {
  const reporter = reportToIssuer(options);
  const reports = new WarnedReports(
    (sent) => reporter.usage(sent),
    'such reports are dropped, and their uses are not counted',
  );
  let waiting: SentReport | undefined;
  const sendWaiting = async (): Promise<void> => {
    if (waiting === undefined) return;
    await reports.take(waiting);
    waiting = undefined;
  };
  return {
    onUsage: async (report) => {
      await sendWaiting();
      waiting = { ...report, id: randomUUID() };
      await sendWaiting().catch(() => undefined);
    },
    onExposed: (key) => reporter.exposed(key),
  };
}
