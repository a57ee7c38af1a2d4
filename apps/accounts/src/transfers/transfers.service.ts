import { Inject, Injectable } from '@nestjs/common';
import { isWithin } from '@countersign/auth-core';
import { type AuditOutbox } from '@countersign/audit-client';
import { AUDIT_OUTBOX, CLOCK, Problem } from '@countersign/service-host';
import { type AccountId } from '../accounts/account.js';
import { AccountsStore } from '../accounts/accounts.store.js';
import { authorityOf, commanderOf, readingReach } from '../authority.js';
import { type Decision } from './decision.js';
import { HoldExpiry } from './hold-expiry.js';
import { Posting } from './posting.service.js';
import { QueueFullError } from './posting-queue.js';
import { refusals, refuse, type Refusal } from './refusal.js';
import { type CreateTransfer, type LedgerCommand, type PostHold, type VoidHold } from './transfer-command.js';
import { actionOf, doneEvent, listedEvent, refusedEvent, transferEvent, type Asker } from './transfer-event.js';
import { transferPageToJson, type ListTransfers, type TransferPageJson } from './transfer-list.js';
import { transferToJson, type Leg, type Transfer, type TransferId, type TransferJson } from './transfer.js';
import { TransfersStore } from './transfers.store.js';

function accountsOf(legs: readonly Leg[]): readonly AccountId[] {
  return legs.flatMap(({ debitAccount, creditAccount }) => [debitAccount, creditAccount]);
}

/** The steps of a transfer: carry it out under the locks of its accounts, or tell the trail why not; answer. */
@Injectable()
export class TransfersService {
  constructor(
    @Inject(TransfersStore) private readonly store: TransfersStore,
    @Inject(AccountsStore) private readonly accounts: AccountsStore,
    @Inject(Posting) private readonly posting: Posting,
    @Inject(HoldExpiry) private readonly expiry: HoldExpiry,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  async create(command: CreateTransfer, asker: Asker): Promise<TransferJson> {
    const accounts = accountsOf(command.legs);
    const decision = await this.#carryOut(command, accounts, asker);
    const short = !decision.ok && decision.code === 'INSUFFICIENT_FUNDS';
    if (!short) return this.#answer(command, decision, asker);
    await this.expiry.releaseOverdue(accounts);
    // Also when nothing was left to release: another may have ended, since the decision, a hold that stood in its way.
    return this.#answer(command, await this.#carryOut(command, accounts, asker), asker);
  }

  /** Ends a hold: its legs never change, so they are looked up before their accounts are locked. */
  async end(command: PostHold | VoidHold, asker: Asker): Promise<TransferJson> {
    const transfer = (await this.store.find([command.id])).find(({ id }) => id === command.id);
    const decision =
      transfer === undefined
        ? refuse('TRANSFER_UNKNOWN')
        : await this.#carryOut(command, accountsOf(transfer.legs), asker);
    return this.#answer(command, decision, asker);
  }

  async read(id: TransferId, asker: Asker): Promise<TransferJson> {
    const transfer = (await this.store.find([id])).find((found) => found.id === id);
    const readable = transfer !== undefined && (await this.#mayRead(transfer, asker));
    if (!readable) {
      const refusal = refuse('TRANSFER_UNKNOWN', transfer !== undefined);
      await this.outbox.recordDurably(refusedEvent('transfers:read', id, refusal, asker));
      throw new Problem(404, refusal.code, refusals[refusal.code]);
    }
    await this.outbox.recordDurably(transferEvent('read', 'transfers:read', id, asker));
    return transferToJson(transfer, this.clock());
  }

  /** What the caller's subject made, or by the client-wide scope its client; recorded by its bounds, because a page is long. */
  async list(query: ListTransfers, asker: Asker): Promise<TransferPageJson> {
    const found = await this.store.list(readingReach(asker.caller), query);
    const page = transferPageToJson(found, query.limit, this.clock());
    await this.outbox.recordDurably(
      listedEvent(
        page.transfers.map(({ id }) => id),
        asker,
      ),
    );
    return page;
  }

  async #carryOut(command: LedgerCommand, accounts: readonly AccountId[], asker: Asker): Promise<Decision | Refusal> {
    const { caller } = asker;
    try {
      return await this.posting.submit(
        {
          command,
          commander: commanderOf(caller),
          event: (transfer, now) => doneEvent(transfer, actionOf[command.kind], asker, now),
        },
        accounts,
      );
    } catch (error) {
      if (!(error instanceof QueueFullError)) throw error;
      throw new Problem(503, error.code, 'Too many transfers are waiting; retry with the same id.', {
        retry_after: 1,
      });
    }
  }

  async #answer(command: LedgerCommand, decision: Decision | Refusal, asker: Asker): Promise<TransferJson> {
    const action = actionOf[command.kind];
    if (!decision.ok) {
      await this.outbox.recordDurably(refusedEvent(action, command.id, decision, asker));
      throw new Problem(decision.code === 'TRANSFER_UNKNOWN' ? 404 : 422, decision.code, refusals[decision.code]);
    }
    if (decision.change === 'none') {
      await this.outbox.recordDurably(transferEvent('repeated', action, command.id, asker));
    }
    return transferToJson(decision.transfer, this.clock());
  }

  async #mayRead(transfer: Transfer, { caller }: Asker): Promise<boolean> {
    if (authorityOf(caller).readAll || isWithin(readingReach(caller), transfer.origin)) return true;
    return this.accounts.ownsOne(caller.subject, accountsOf(transfer.legs));
  }
}
