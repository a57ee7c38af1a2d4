import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, POOL, withAdvisoryLock } from '@countersign/service-host';
import type pg from 'pg';
import { type AccountId } from '../accounts/account.js';
import { EXPIRY_LIMIT } from '../limits.js';
import { Posting } from './posting.service.js';
import { expiredEvent } from './transfer-event.js';
import { accountsOf, type Transfer } from './transfer.js';
import { TransfersStore } from './transfers.store.js';

/**
 * Records that holds have expired: by the worker on its schedule, on one replica at a time, or by a transfer that needs the money earlier.
 * Reads are correct without it: an expired hold does not count.
 */
@Injectable()
export class HoldExpiry {
  constructor(
    @Inject(POOL) private readonly pool: pg.Pool,
    @Inject(TransfersStore) private readonly store: TransfersStore,
    @Inject(Posting) private readonly posting: Posting,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  /** Ends the overdue holds on these accounts; afterwards none of them blocks a transfer, no matter who ended it. */
  async releaseOverdue(accounts: readonly AccountId[]): Promise<void> {
    for (;;) {
      const overdue = await this.store.overdue(this.clock(), EXPIRY_LIMIT, accounts);
      await this.#end(overdue);
      if (overdue.length < EXPIRY_LIMIT) return;
    }
  }

  /** One round of the worker. @returns how many holds it ended; 0 also while another replica is doing it */
  async sweep(): Promise<number> {
    const ended = await withAdvisoryLock(this.pool, 'countersign.hold-expiry', async () =>
      this.#end(await this.store.overdue(this.clock(), EXPIRY_LIMIT)),
    );
    return ended ?? 0;
  }

  async #end(transfers: readonly Transfer[]): Promise<number> {
    const decisions = await Promise.all(
      transfers.map((transfer) =>
        this.posting.submit(
          { command: { kind: 'expire', id: transfer.id }, principal: null, event: expiredEvent },
          accountsOf(transfer.legs),
        ),
      ),
    );
    return decisions.filter((decision) => decision.ok && decision.change === 'ended').length;
  }
}
