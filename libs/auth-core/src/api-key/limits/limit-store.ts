import { type ApiKeyIdentity, type ApiKeyLimit } from '../../principal.js';
import { type LeaseAnswer, type LeaseRequest } from './shared-bucket.js';

/** One limit of one key, and the request for a share of it. */
export interface NamedLeaseRequest extends Omit<LeaseRequest, 'replica'> {
  /** `<key id>/<route class>`. */
  readonly bucket: string;
  readonly limit: ApiKeyLimit;
}

/** Where replicas share the rest of each limit. */
export interface LimitStore {
  /**
   * Settles and grants leases, all in one commit.
   * @param requests no bucket may occur twice @returns the answers, in the order of the requests
   */
  lease(requests: readonly NamedLeaseRequest[]): Promise<readonly LeaseAnswer[]>;
}

/** The state of a caller's limit, whether or not its request passes. */
export interface LimitState {
  /** The route class whose limit decided. */
  readonly name: string;
  readonly limit: ApiKeyLimit;
  /** Remaining requests, as far as this replica knows. */
  readonly remaining: number;
  /** Undefined for a request that may pass; else the milliseconds until one may. */
  readonly retryMs?: number;
  readonly exhausted?: LeaseAnswer['exhausted'];
}

/** The limit of a route class: its own, or the one for all. @returns undefined if it is not limited */
export function limitFor({ limits }: ApiKeyIdentity, routeClass: string): readonly [string, ApiKeyLimit] | undefined {
  if (limits === undefined) return undefined;
  const own = Object.hasOwn(limits, routeClass) ? limits[routeClass] : undefined;
  if (own !== undefined) return [routeClass, own];
  const all = Object.hasOwn(limits, '*') ? limits['*'] : undefined;
  return all === undefined ? undefined : ['*', all];
}
