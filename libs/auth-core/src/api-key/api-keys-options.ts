import { type RevocationList } from '../revocation-list.js';
import { type ApiKeyExchangeOptions } from './api-key-tokens.js';
import { type LimitStore } from './limits/limit-store.js';
import { type ApiKeyUsageReport } from './usage.js';

/** How API keys are exchanged, limited and reported. */
export interface ApiKeysOptions extends ApiKeyExchangeOptions {
  /** Where replicas share the limits; in this process by default, so pass a shared store if the service has replicas. */
  readonly limitStore?: LimitStore | undefined;
  /**
   * Stores usage counts, once a second, with at most 200 uses per report: a crash loses only what was not stored. If it throws, the counts are kept
   * for the next report.
   */
  readonly onUsage?: ((report: ApiKeyUsageReport) => Promise<void>) | undefined;
  /** The revocation list: after any change to a key the issuer is asked about it again, so a re-enabled key works immediately. */
  readonly revocations?: RevocationList | undefined;
  /** Reports to the issuer a key that was sent in a URL, where it can be read in logs. If it throws, it is called again a second later. */
  readonly onExposed?: ((key: string) => Promise<void>) | undefined;
}

/** One request with a key. */
export interface ApiKeyRequest {
  /** The caller's address as the service knows it, for the key's networks and the limit on guessing. */
  readonly address?: string | undefined;
  /** The request's path and query as received: a key in it is refused, and marked as exposed. */
  readonly url?: string | undefined;
  /** The route class whose limit applies; `default` when omitted. */
  readonly routeClass?: string | undefined;
  /** Scopes that the key must have, all of them. */
  readonly scopes?: readonly string[] | undefined;
}
