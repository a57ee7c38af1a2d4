import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, OAuthError, POOL } from '@countersign/service-host';
import type pg from 'pg';
import { LeasedLimit, type LimitExceeded } from './leased-limit.js';
import { PostgresWindow } from './shared-window.store.js';

export const LIMIT_SETTINGS = Symbol('countersign.issuer.limit-settings');
/** Requests a minute; 0 for no limit. */
export interface LimitSettings {
  readonly perClient: number;
  readonly perAddress: number;
}

/** What a failed authentication costs its address: guessing ends a hundred times sooner than honest use. */
export const FAILURE_COST = 100;
const LEASES_A_WINDOW = 50;
const KEYS_LIMIT = 10_000;

/** Thrown for a request beyond a limit. */
export class TooManyRequests extends OAuthError {
  readonly first: boolean;
  constructor({ retryAfterSeconds, first }: LimitExceeded) {
    super(429, 'temporarily_unavailable', 'too many requests; try again after the seconds of Retry-After', {
      'retry-after': String(retryAfterSeconds),
    });
    this.first = first;
  }
}

type Limited = TooManyRequests | undefined;

function answerOf(spent: LimitExceeded | undefined | Promise<LimitExceeded | undefined>): Limited | Promise<Limited> {
  if (spent instanceof Promise) return spent.then(answerOf);
  return spent === undefined ? undefined : new TooManyRequests(spent);
}

/** The rate limits of the token endpoint: by address before anything is looked at, by client once it is known to be the client. */
@Injectable()
export class TokenLimits {
  readonly #clients: LeasedLimit | undefined;
  readonly #addresses: LeasedLimit | undefined;

  constructor(
    @Inject(POOL) pool: pg.Pool,
    @Inject(LIMIT_SETTINGS) { perClient, perAddress }: LimitSettings,
    @Inject(CLOCK) clock: () => Date,
  ) {
    const limit = (name: string, perMinute: number): LeasedLimit | undefined => {
      if (perMinute === 0) return undefined;
      const lease = Math.max(1, Math.floor(perMinute / LEASES_A_WINDOW));
      return new LeasedLimit(new PostgresWindow(pool, name, perMinute), lease, KEYS_LIMIT, () => clock().getTime());
    };
    this.#clients = limit('client', perClient);
    this.#addresses = limit('address', perAddress);
  }

  /** @returns what to throw, or nothing; at once in most cases */
  ofAddress(address: string): Limited | Promise<Limited> {
    return answerOf(this.#addresses?.spend(address));
  }

  ofClient(clientId: string): Limited | Promise<Limited> {
    return answerOf(this.#clients?.spend(clientId));
  }

  /** Makes an address pay for a failed authentication. */
  async failed(address: string): Promise<void> {
    await this.#addresses?.penalize(address, FAILURE_COST - 1);
  }
}
