import { Inject, Injectable } from '@nestjs/common';
import { networkOf, OAuthError, POOL } from '@countersign/service-host';
import type pg from 'pg';
import { type Client } from '../registry/client.js';
import { LeasedLimit, type LimitExceeded } from './leased-limit.js';
import { PostgresWindow } from './shared-window.store.js';

export const LIMIT_SETTINGS = Symbol('countersign.issuer.limit-settings');
/** Points a minute; 0 for no limit. */
export interface LimitSettings {
  /** An authenticated request of a client spends one. */
  readonly perClient: number;
  /** A failed authentication from a network spends {@link FAILURE_COST}, a visit of nobody known {@link VISIT_COST}. */
  readonly perAddress: number;
}

/** What a failed authentication costs its network; one that succeeds costs nothing there. */
const FAILURE_COST = 100;
/** What a request costs its network that nobody proves to have made: of a browser before sign-in, of a public client. */
const VISIT_COST = 10;
/** How many times the failures of one network a service may bring when it shows API keys: its callers come from many. */
const SERVICE_FACTOR = 10;
const LEASES_A_WINDOW = 50;
const KEYS_LIMIT = 10_000;

/** Thrown for a request beyond a limit. */
export class TooManyRequests extends OAuthError {
  /** Whether it is to be recorded: the first of its window is, the flood behind it is counted. */
  readonly first: boolean;
  /**
   * @param client the client that is beyond its limit; undefined for a failed authentication
   * @param error `invalid_grant` where what was brought is invalid anyway: a valid one is never refused for a limit of those
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
 * The rate limits of client authentication, and so of every OAuth endpoint: by client for those that have proven who they are, by network
 * for those that have not. Failures refuse failures only: anyone who shows good credentials is served, whatever its neighbours do.
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

  /** @returns what to throw, or nothing; at once in most cases */
  ofClient(client: Client): Limited | Promise<Limited> {
    return excessOf(this.#clients?.spend(client.client_id), client);
  }

  /** Makes a caller's network pay for a failed authentication. @returns what to throw instead of the failure's own answer */
  ofFailure(peer: string): Limited | Promise<Limited> {
    return excessOf(this.#failures?.spend(networkOf(peer)));
  }

  /** Makes a caller's network pay for a request of nobody known. @returns what to throw, or nothing */
  ofVisitor(peer: string): Limited | Promise<Limited> {
    return excessOf(this.#visits?.spend(networkOf(peer)));
  }

  /**
   * Makes the network that sent an invalid API key pay for it, and the service that passed it on.
   * @param address as the service saw it
   * @returns what to throw instead of the failure's own answer
   */
  async ofApiKeyFailure(service: Client, address: string | undefined): Promise<Limited> {
    const ofNetwork = address === undefined ? undefined : await this.#keyFailures?.spend(networkOf(address));
    const ofService = await this.#servicesKeyFailures?.spend(service.client_id);
    const spent = ofNetwork ?? ofService;
    return spent === undefined ? undefined : new TooManyRequests(spent, service, 'invalid_grant');
  }

  /** Whether failures of this network are refused now, as far as this replica knows: then nothing that is slow is done for it. */
  refusesFailures(peer: string): boolean {
    return this.#failures?.isSpent(networkOf(peer)) ?? false;
  }
}
