import { Inject, Injectable } from '@nestjs/common';
import { networkOf, OAuthError, POOL } from '@countersign/service-host';
import type pg from 'pg';
import { type Client } from '../registry/client.js';
import { LeasedLimit, type LimitExceeded } from './leased-limit.js';
import { PostgresWindow } from './shared-window.store.js';

export const LIMIT_SETTINGS = Symbol('countersign.issuer.limit-settings');
/** Points per minute; 0 for no limit. */
export interface LimitSettings {
  /** An authenticated request of a client spends one. */
  readonly perClient: number;
  /** A failed authentication from a network spends {@link FAILURE_COST}, an unauthenticated visit {@link VISIT_COST}. */
  readonly perAddress: number;
}

/** The cost of a failed authentication to its network; a successful one costs nothing. */
const FAILURE_COST = 100;
/** The cost of an unauthenticated request to its network: from a browser before sign-in, or a public client. */
const VISIT_COST = 10;
/** How many times one network's limit on failures applies to a service that presents API keys, because its callers come from many networks. */
const SERVICE_FACTOR = 10;
const LEASES_A_WINDOW = 50;
const KEYS_LIMIT = 10_000;

/** Thrown for a request beyond a limit. */
export class TooManyRequests extends OAuthError {
  /** Whether to record it: the first refusal of a window is recorded, later ones are counted. */
  readonly first: boolean;
  /**
   * @param client the client that is beyond its limit; undefined for a failed authentication
   * @param error `invalid_grant` if the credential is invalid anyway: a valid one is never refused because of this limit
   */
  constructor(
    { retryAfterSeconds, first }: LimitExceeded,
    readonly client?: Client,
    error: 'temporarily_unavailable' | 'invalid_grant' = 'temporarily_unavailable',
  ) {
    super(429, error, 'too many requests; retry after the seconds in Retry-After', {
      'retry-after': String(retryAfterSeconds),
    });
    this.first = first;
  }
}

type Limited = TooManyRequests | undefined;

function excessOf(
  spent: LimitExceeded | undefined | Promise<LimitExceeded | undefined>,
  client?: Client,
): Limited | Promise<Limited> {
  if (spent instanceof Promise) return spent.then((exceeded) => excessOf(exceeded, client));
  return spent === undefined ? undefined : new TooManyRequests(spent, client);
}

/**
 * The rate limits of client authentication, and so of every OAuth endpoint: by client for authenticated requests, by network
 * for all others. Failures block only failures: a caller with valid credentials is served, whatever its neighbours do.
 */
@Injectable()
export class AuthenticationLimits {
  readonly #clients: LeasedLimit | undefined;
  readonly #failures: LeasedLimit | undefined;
  readonly #visits: LeasedLimit | undefined;
  readonly #keyFailures: LeasedLimit | undefined;
  readonly #servicesKeyFailures: LeasedLimit | undefined;

  constructor(@Inject(POOL) pool: pg.Pool, @Inject(LIMIT_SETTINGS) { perClient, perAddress }: LimitSettings) {
    const limit = (name: string, perMinute: number, cost: number): LeasedLimit | undefined => {
      if (perMinute === 0) return undefined;
      const times = Math.max(1, Math.floor(perMinute / cost));
      const lease = Math.max(1, Math.floor(times / LEASES_A_WINDOW));
      return new LeasedLimit(new PostgresWindow(pool, name, times), lease, KEYS_LIMIT, () => performance.now());
    };
    this.#clients = limit('client', perClient, 1);
    this.#failures = limit('failure', perAddress, FAILURE_COST);
    this.#visits = limit('visit', perAddress, VISIT_COST);
    this.#keyFailures = limit('api-key-failure', perAddress, FAILURE_COST);
    this.#servicesKeyFailures = limit('service-api-key-failure', perAddress * SERVICE_FACTOR, FAILURE_COST);
  }

  /** @returns what to throw, if anything; synchronously in most cases */
  ofClient(client: Client): Limited | Promise<Limited> {
    return excessOf(this.#clients?.spend(client.client_id), client);
  }

  /** Charges a failed authentication to the caller's network. @returns what to throw instead of the failure's own response */
  ofFailure(peer: string): Limited | Promise<Limited> {
    return excessOf(this.#failures?.spend(networkOf(peer)));
  }

  /** Charges an unauthenticated request to the caller's network. @returns what to throw, if anything */
  ofVisitor(peer: string): Limited | Promise<Limited> {
    return excessOf(this.#visits?.spend(networkOf(peer)));
  }

  /**
   * Charges an invalid API key to the network that sent it, and to the service that passed it on.
   * @param address as seen by the service
   * @returns what to throw instead of the failure's own response
   */
  async ofApiKeyFailure(service: Client, address: string | undefined): Promise<Limited> {
    const ofNetwork = address === undefined ? undefined : await this.#keyFailures?.spend(networkOf(address));
    const ofService = await this.#servicesKeyFailures?.spend(service.client_id);
    const spent = ofNetwork ?? ofService;
    return spent === undefined ? undefined : new TooManyRequests(spent, service, 'invalid_grant');
  }

  /** Whether this network's failures are currently refused, as far as this replica knows: then no slow work is done for it. */
  refusesFailures(peer: string): boolean {
    return this.#failures?.isSpent(networkOf(peer)) ?? false;
  }
}
