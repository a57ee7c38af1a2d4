import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { AuditEventError, type NewAuditEvent } from '@countersign/audit-event';
import { AUDIT_OUTBOX, CLOCK, METRICS, POOL, Problem, sqlStateOf } from '@countersign/service-host';
import type pg from 'pg';
import { Histogram, type Registry } from 'prom-client';
import { type AccountId } from '../accounts/account.js';
import { BATCH_LIMIT, POSTING_LANES, QUEUE_LIMIT } from '../limits.js';
import { type LedgerPrincipal } from '../authority.js';
import { decide, type Decision } from './decision.js';
import { LedgerDraft } from './ledger-draft.js';
import { PostingQueue, QueueFullError, type Work } from './posting-queue.js';
import { type Refusal } from './refusal.js';
import { type LedgerCommand } from './transfer-command.js';
import { type Transfer } from './transfer.js';
import { TransfersStore, type Written } from './transfers.store.js';

/** Days within which a transfer may be taken back from another's account. */
export const CORRECTION_AGE_DAYS = Symbol('countersign.accounts.correction-age-days');

/** A command for the ledger. */
export interface Order {
  readonly command: LedgerCommand;
  /** Undefined for the ledger's own. */
  readonly principal: LedgerPrincipal | null;
  /** The event, committed together with the effect. */
  readonly event: (transfer: Transfer, now: Date) => NewAuditEvent;
}

type OrderWork = Work<Order, Decision | Refusal>;

/** Unique violation, serialization failure, deadlock: another transaction was first, so the next attempt sees what it did. */
const passing = new Set(['23505', '40001', '40P01']);
const ATTEMPTS = 5;

/** Data, integrity, or the order of transactions (SQLSTATE classes 22, 23, 40): not an unavailable database, which affects all of them. */
function isOfOne(error: unknown): boolean {
  return error instanceof AuditEventError || /^(22|23|40)...$/.test(sqlStateOf(error));
}

/**
 * Executes commands, one batch per transaction: lock accounts → read → decide one after another → write everything with its events. On a pipelined
 * connection that is two round trips, because statements that need no answer in between are sent together.
 */
@Injectable()
export class Posting {
  readonly #batchSizes: Histogram;
  readonly #queue: PostingQueue<Order, Decision | Refusal>;

  constructor(
    @Inject(POOL) private readonly pool: pg.Pool,
    @Inject(TransfersStore) private readonly store: TransfersStore,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(METRICS) metrics: Registry,
    @Inject(CORRECTION_AGE_DAYS) private readonly correctionAgeDays: number,
  ) {
    this.#batchSizes = new Histogram({
      name: 'ledger_batch_transfers',
      help: 'Transfers per database transaction.',
      buckets: [1, 2, 5, 10, 20, 50, BATCH_LIMIT],
      registers: [metrics],
    });
    this.#queue = new PostingQueue((batch) => this.#run(batch), {
      lanes: POSTING_LANES,
      batchLimit: BATCH_LIMIT,
      queueLimit: QUEUE_LIMIT,
    });
  }

  /**
   * @param accounts all accounts of the transfer's legs
   * @returns the decision, which is committed by then, or refused without any change
   * @throws {Problem} 503 `LEDGER_BUSY` if too many are already waiting: nothing was done. Or the database's error; then it is unknown whether anything
   * was committed
   */
  async submit(order: Order, accounts: readonly AccountId[]): Promise<Decision | Refusal> {
    try {
      return await this.#queue.add(order, [...new Set(accounts)]);
    } catch (error) {
      if (!(error instanceof QueueFullError)) throw error;
      throw new Problem(503, error.code, 'Too many transfers are waiting; send the same request again.', {
        retry_after: 1,
      });
    }
  }

  async #run(batch: readonly OrderWork[]): Promise<void> {
    if (batch.length > 1) {
      try {
        await this.#transact(batch);
        return;
      } catch (error) {
        if (!isOfOne(error)) {
          for (const work of batch) work.reject(error);
          return;
        }
        // One that fails must not fail the others: each gets its own transaction below.
      }
    }
    for (const work of batch) {
      await this.#alone(work).catch((error: unknown) => {
        work.reject(error);
      });
    }
  }

  async #alone(work: OrderWork): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#transact([work]);
        return;
      } catch (error) {
        if (!passing.has(sqlStateOf(error)) || attempt >= ATTEMPTS) throw error;
      }
    }
  }

  async #transact(batch: readonly OrderWork[]): Promise<void> {
    const client = await this.pool.connect();
    let broken: Error | undefined;
    try {
      const decisions = await this.#decide(client, batch);
      this.#batchSizes.observe(batch.length);
      for (const [index, work] of batch.entries()) {
        const decision = decisions[index];
        if (decision !== undefined) work.resolve(decision);
      }
    } catch (error) {
      await this.store.rollBack(client).catch((reason: unknown) => {
        broken = reason instanceof Error ? reason : new Error(String(reason));
      });
      throw error;
    } finally {
      client.release(broken);
    }
  }

  async #decide(client: pg.PoolClient, batch: readonly OrderWork[]): Promise<readonly (Decision | Refusal)[]> {
    const commands = batch.map(({ item }) => item.command);
    const corrected = commands.flatMap((command) =>
      command.kind === 'create' && command.corrects !== null ? [command.corrects] : [],
    );
    const [, accounts, transfers] = await Promise.all([
      this.store.begin(client),
      this.store.lock(client, [...new Set(batch.flatMap(({ accounts: ids }) => ids))]),
      this.store.find([...commands.map(({ id }) => id), ...corrected], corrected, client),
    ]);
    const ledger = new LedgerDraft(accounts, transfers, this.correctionAgeDays);
    const now = this.clock();
    const written: Written[] = [];
    const decisions = batch.map(({ item: { command, principal, event } }) => {
      const decision = decide(command, principal, ledger, now);
      if (decision.ok && decision.change !== 'none') {
        ledger.apply(decision);
        written.push({ decision, events: [this.outbox.complete(event(decision.transfer, now))] });
      }
      return decision;
    });
    // A commit after a failed write rolls back; the write's own error is thrown.
    await Promise.all([written.length > 0 ? this.store.write(client, written) : undefined, this.store.commit(client)]);
    return decisions;
  }
}
