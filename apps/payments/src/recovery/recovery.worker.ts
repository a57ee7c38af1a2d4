import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import {
  Background,
  CLOCK,
  HEALTH,
  LOGGER,
  METRICS,
  POOL,
  withAdvisoryLock,
  type HealthRegistry,
} from '@countersign/service-host';
import type pg from 'pg';
import { type Logger } from 'pino';
import { Counter, type Registry } from 'prom-client';
import { ACCOUNTS_CLIENT, type AccountsClient } from '../accounts/accounts.client.js';
import { IdempotencyStore } from '../idempotency/idempotency.store.js';
import { DeliveriesStore } from '../webhooks/deliveries.store.js';
import { RecoveryService } from './recovery.service.js';

export const RECOVERY_INTERVAL = Symbol('countersign.payments.recovery-interval');

/** Milliseconds between two prunings of old keys and deliveries. */
const PRUNE_EVERY_MS = 600_000;

const LOCK = 'countersign.payments-recovery';

/** Runs recovery at startup and on schedule; on one replica at a time (PostgreSQL advisory lock). */
@Injectable()
export class RecoveryWorker implements OnModuleInit {
  readonly #checked: Counter;
  #prunedAt = Number.NEGATIVE_INFINITY;

  constructor(
    @Inject(RecoveryService) private readonly recovery: RecoveryService,
    @Inject(IdempotencyStore) private readonly keys: IdempotencyStore,
    @Inject(DeliveriesStore) private readonly deliveries: DeliveriesStore,
    @Inject(ACCOUNTS_CLIENT) accounts: AccountsClient,
    @Inject(RECOVERY_INTERVAL) private readonly intervalMs: number,
    @Inject(POOL) private readonly pool: pg.Pool,
    @Inject(Background) private readonly background: Background,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(HEALTH) health: HealthRegistry,
    @Inject(METRICS) metrics: Registry,
  ) {
    health.addNote('accounts_circuit', () => accounts.circuit());
    this.#checked = new Counter({
      name: 'payments_recovery_looked_total',
      help: 'Payments and refunds that recovery has checked.',
      registers: [metrics],
    });
  }

  onModuleInit(): void {
    this.background.repeat({
      name: 'payments_recovery',
      everyMs: this.intervalMs,
      run: async (signal) => {
        const isFull = await withAdvisoryLock(this.pool, LOCK, () => this.#sweep(signal));
        return isFull === true ? 'again' : undefined;
      },
    });
  }

  /** @returns whether there is more that can be finished now */
  async #sweep(signal: AbortSignal): Promise<boolean> {
    const { checked, isFull } = await this.recovery.sweep((id, error) => {
      this.logger.error(
        { err: error, resource: id },
        'recovery could not finish a payment or refund; it will be retried',
      );
    }, signal);
    this.#checked.inc(checked);
    if (checked > 0) this.logger.info({ checked }, 'recovery checked unfinished payments and refunds');
    await this.#prune();
    return isFull;
  }

  async #prune(): Promise<void> {
    if (performance.now() - this.#prunedAt < PRUNE_EVERY_MS) return;
    this.#prunedAt = performance.now();
    const now = this.clock();
    const pruned = {
      keys: await this.keys.prune(now),
      given_up: await this.deliveries.giveUp(now),
      deliveries: await this.deliveries.prune(now),
    };
    if (Object.values(pruned).some((count) => count > 0))
      this.logger.info(pruned, 'old idempotency keys and deliveries are pruned');
  }
}
