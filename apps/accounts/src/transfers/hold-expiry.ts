import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import { CLOCK, LOGGER, POOL } from '@countersign/service-host';
import type pg from 'pg';
import { type Logger } from 'pino';
import { type AccountId } from '../accounts/account.js';
import { EXPIRY_LIMIT } from '../limits.js';
import { Posting } from './posting.service.js';
import { expiredEvent } from './transfer-event.js';
import { type Transfer } from './transfer.js';
import { TransfersStore } from './transfers.store.js';

export const HOLD_EXPIRY_INTERVAL = Symbol('countersign.accounts.hold-expiry-interval');

const lockName = 'countersign.hold-expiry';

/**
 * Writes down that holds are over: the worker on its schedule, on one replica at a time, and whoever needs the money before it comes by.
 * What is read is right without it: a hold past its time counts for nothing.
 */
@Injectable()
export class HoldExpiry implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #stopped = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(
    @Inject(POOL) private readonly pool: pg.Pool,
    @Inject(TransfersStore) private readonly store: TransfersStore,
    @Inject(Posting) private readonly posting: Posting,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(HOLD_EXPIRY_INTERVAL) private readonly intervalMs: number,
  ) {}

  onApplicationBootstrap(): void {
    this.#running = this.#run();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  /** Ends the overdue holds on these accounts; afterwards none of them stands in a transfer's way, whoever ended it. */
  async releaseOverdue(accounts: readonly AccountId[]): Promise<void> {
    await this.#end(await this.store.overdue(this.clock(), EXPIRY_LIMIT, accounts));
  }

  /** One round of the worker. @returns how many holds it ended; 0 also while another replica is at it */
  async sweep(): Promise<number> {
    const client = await this.pool.connect();
    let broken: Error | undefined;
    try {
      const { rows } = await client.query<{ held: boolean }>('select pg_try_advisory_lock(hashtext($1)) as held', [
        lockName,
      ]);
      if (rows[0]?.held !== true) return 0;
      const ended = await this.#end(await this.store.overdue(this.clock(), EXPIRY_LIMIT));
      await client.query('select pg_advisory_unlock(hashtext($1))', [lockName]);
      return ended;
    } catch (error) {
      broken = error instanceof Error ? error : new Error(String(error));
      throw broken;
    } finally {
      client.release(broken);
    }
  }

  async #end(transfers: readonly Transfer[]): Promise<number> {
    const decisions = await Promise.all(
      transfers.map((transfer) =>
        this.posting.submit(
          { command: { kind: 'expire', id: transfer.id }, commander: null, event: expiredEvent },
          transfer.legs.flatMap(({ debitAccount, creditAccount }) => [debitAccount, creditAccount]),
        ),
      ),
    );
    return decisions.filter((decision) => decision.ok && decision.change === 'ended').length;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      const ended = await this.sweep().catch((error: unknown) => {
        this.logger.warn({ err: error }, 'overdue holds could not be ended; trying again');
        return 0;
      });
      if (ended > 0) this.logger.info({ ended }, 'holds expired');
      if (ended === EXPIRY_LIMIT) continue;
      await delay(this.intervalMs * (0.75 + Math.random() / 2), undefined, { signal }).catch(() => undefined);
    }
  }
}
