import { monotonicClock } from '../clock.js';
import { createTokenClient } from '../client/token-client.js';
import { type TokenSigner } from '../jws/sign.js';
import { type PrivateJwk } from '../keys/jwk.js';
import { createVerifier, type TokenVerifier } from '../token-verifier.js';
import { type VerifierOptions } from '../verifier-options.js';
import { type ExchangedTokenVerifier } from './api-key-tokens.js';
import { ApiKeys } from './api-keys.js';
import { type ApiKeysOptions } from './api-keys-options.js';
import { createApiKeyExchange } from './exchange-api-key.js';
import { reportsOf, reportToIssuer, type IssuerReporterOptions } from './report-to-issuer.js';
import { type UsageFolder } from './usage-folder.js';

/** The issuer whose API keys the service accepts, and the client that exchanges them. */
export interface ApiKeyVerifierOptions
  extends
    Omit<VerifierOptions, 'audience' | 'now' | 'monotonic'>,
    Omit<ApiKeysOptions, 'exchange' | 'verifier' | 'cacheSize'> {
  /** This service's name, under which its client is registered at the issuer too. */
  readonly audience: string;
  /** The service's client at the issuer, named as its audience; the audience by default. */
  readonly clientId?: string | undefined;
  /** The client's private key. */
  readonly clientKey: PrivateJwk | TokenSigner;
  /** Verifies the tokens; made from the options by default. */
  readonly verifier?: ExchangedTokenVerifier | undefined;
  /**
   * A folder of this service where usage counts wait for the issuer: a crash then loses at most the last second. When omitted, counts that the issuer
   * does not have yet are only in memory.
   */
  readonly usageFolder?: string | undefined;
}

/** A verifier of API keys for any kind of service. */
export class ApiKeyVerifier extends ApiKeys {
  constructor(
    options: ApiKeysOptions,
    private readonly own: TokenVerifier | undefined,
    private readonly folder: UsageFolder | undefined,
  ) {
    super(options);
  }

  override async close(): Promise<void> {
    this.own?.close();
    await super.close();
    await this.folder?.close();
  }
}

/**
 * Creates a verifier of API keys, for plain Node:
 *
 * ```ts
 * const keys = await createApiKeyVerifier({ issuer: 'https://issuer.internal', audience: 'catalogue', clientKey });
 * const { principal, limit } = await keys.verify(request.headers['x-api-key'], { address, scopes: ['catalogue:read'] });
 * ```
 */
export async function createApiKeyVerifier(options: ApiKeyVerifierOptions): Promise<ApiKeyVerifier> {
  const { issuer, audience, clientId = audience, clientKey, verifier, allowPlainHttp, timeoutMs, fetch } = options;
  const times = { now: options.now ?? Date.now, monotonic: options.monotonic ?? monotonicClock };
  const own = verifier === undefined ? await createVerifier({ ...options, ...times }) : undefined;
  const reached = {
    issuer,
    key: clientKey,
    ...times,
    ...(allowPlainHttp === undefined ? {} : { allowPlainHttp }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(fetch === undefined ? {} : { fetch }),
  };
  const exchange = createApiKeyExchange({ ...reached, audience, clientId });
  const verifies = verifier ?? own;
  if (verifies === undefined) throw new Error('a verifier must have been created');
  const tokens = createTokenClient({ ...reached, clientId });
  const { folder, ...reports } = await reportsBy({ ...reached, tokens }, options.usageFolder);
  const { onUsage = reports.onUsage, onExposed = reports.onExposed } = options;
  return new ApiKeyVerifier({ ...options, onUsage, onExposed, verifier: verifies, exchange }, own, folder);
}

async function reportsBy(
  reached: IssuerReporterOptions,
  path: string | undefined,
): Promise<Pick<ApiKeysOptions, 'onUsage' | 'onExposed'> & { readonly folder?: UsageFolder }> {
  if (path === undefined) return reportsOf(reached);
  const reporter = reportToIssuer(reached);
  // Imported here only, so that the rest runs without a file system.
  const { UsageFolder } = await import('./usage-folder.js');
  const folder = new UsageFolder(path, (reports) => reporter.usage(reports));
  await folder.open();
  return { folder, onUsage: (report) => folder.keep(report), onExposed: (key) => reporter.exposed(key) };
}
