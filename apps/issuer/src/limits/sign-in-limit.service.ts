import { Inject, Injectable } from '@nestjs/common';
import { networkOf, POOL, Problem } from '@countersign/service-host';
import type pg from 'pg';
import { LeasedLimit } from './leased-limit.js';
import { PostgresWindow } from './shared-window.store.js';

/** Maximum sign-ins per minute that one network may start; 0 for no limit. */
export const SIGN_INS_PER_MINUTE = Symbol('countersign.issuer.sign-ins-per-minute');
const LEASES_A_WINDOW = 50;
const KEYS_LIMIT = 10_000;

/** Each sign-in that is started creates a row for an unknown person, so their number per network is limited, for all replicas together. */
@Injectable()
export class SignInLimit {
  readonly #limit: LeasedLimit | undefined;

  constructor(@Inject(POOL) pool: pg.Pool, @Inject(SIGN_INS_PER_MINUTE) perMinute: number) {
    const lease = Math.max(1, Math.floor(perMinute / LEASES_A_WINDOW));
    this.#limit =
      perMinute === 0
        ? undefined
        : new LeasedLimit(new PostgresWindow(pool, 'sign-in', perMinute), lease, KEYS_LIMIT, () => performance.now());
  }

  /** @throws {Problem} 429 `TOO_MANY_SIGN_INS` */
  async spend(address: string): Promise<void> {
    const exceeded = await this.#limit?.spend(networkOf(address));
    if (exceeded === undefined) return;
    throw new Problem(
      429,
      'TOO_MANY_SIGN_INS',
      'Too many sign-ins were started from your network. Wait a minute and try again.',
      {
        retry_after: exceeded.retryAfterSeconds,
      },
    );
  }
}
