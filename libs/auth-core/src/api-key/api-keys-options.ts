import { type RevocationList } from '../revocation-list.js';
import { type ApiKeyExchangeOptions } from './api-key-tokens.js';
import { type LimitStore } from './limits/limit-store.js';
import { type ApiKeyUsageReport } from './usage.js';

export interface ApiKeysOptions extends ApiKeyExchangeOptions {
  /** Where replicas share the limits; in this process by default, so give a shared one where a service has replicas. */
  readonly limitStore?: LimitStore | undefined;
  /**
   * Keeps what was counted, once a second, at most 200 uses a report: what a crash loses is what it has not kept. What it does not keep (it
   * throws) is counted on.
   */
  readonly onUsage?: ((report: ApiKeyUsageReport) => Promise<void>) | undefined;
  /** What is revoked: whatever it says of a key, the issuer is asked about that key again, so that an enabled one works at once. */
  readonly revocations?: RevocationList;
  /** Tells the issuer of a key that was sent in an address, where anybody may read it. */
  readonly onExposed?: ((key: string) => Promise<void>) | undefined;
}

/** What one request with a key is. */
export interface ApiKeyRequest {
  /** Of the caller, as the service knows it: for the key's networks, and for the penalty of floods. */
  readonly address?: string | undefined;
  /** The request's path and query, as it came: a key in it is refused, and marked as exposed. */
  readonly url?: string | undefined;
  /** The class of routes by whose limit it counts; `default` when left out. */
  readonly routeClass?: string | undefined;
  /** All of which the key must have. */
  readonly scopes?: readonly string[] | undefined;
}
