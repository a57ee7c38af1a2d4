import { Inject, Injectable } from '@nestjs/common';
import { isWithin } from '@countersign/auth-core';
import { type AuditOutbox } from '@countersign/audit-client';
import { AUDIT_OUTBOX, CLOCK, Problem, type Caller } from '@countersign/service-host';
import { type AccountId } from '../accounts/account.js';
import { AccountsStore } from '../accounts/accounts.store.js';
import { authorityOf, readingReach } from '../authority.js';
import { type Decision } from './decision.js';
import { HoldExpiry } from './hold-expiry.service.js';
import { Posting } from './posting.service.js';
import { refusals, refuse, type Refusal, type RefusalCode } from './refusal.js';
import { type CreateTransfer, type LedgerCommand, type PostHold, type VoidHold } from './transfer-command.js';
import { doneEvent, listedEvent, refusedEvent, seenEvent } from './transfer-event.js';
import { transferPageToJson, type ListTransfers, type TransferPageJson } from './transfer-list.js';
import { accountsOf, transferToJson, type Transfer, type TransferId, type TransferJson } from './transfer.js';
import { TransfersStore } from './transfers.store.js';

/** Refusals that an overdue hold may have caused. */
const causedByHolds: ReadonlySet<RefusalCode> = new Set(['INSUFFICIENT_FUNDS', 'CORRECTION_ABOVE_ORIGINAL']);

/** The steps of a transfer: execute it under the locks of its accounts, or record the refusal; respond. */
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

  async create(command: CreateTransfer, caller: Caller): Promise<TransferJson> {
    const accounts = accountsOf(command.legs);
    const decision = await this.#carryOut(command, accounts, caller);
    if (decision.ok || !causedByHolds.has(decision.code)) return this.#answer(command, decision, caller);
    await this.expiry.releaseOverdue(accounts);
    // Also if nothing was left to release, because another request may have ended a blocking hold since the decision.
    return this.#answer(command, await this.#carryOut(command, accounts, caller), caller);
  }

  /** Ends a hold: its legs never change, so they are looked up before their accounts are locked. */
  async end(command: PostHold | VoidHold, caller: Caller): Promise<TransferJson> {
    const transfer = (await this.store.find([command.id])).find(({ id }) => id === command.id);
    const decision =
      transfer === undefined
        ? refuse('TRANSFER_UNKNOWN')
        : await this.#carryOut(command, accountsOf(transfer.legs), caller);
    return this.#answer(command, decision, caller);
  }

  async read(id: TransferId, caller: Caller): Promise<TransferJson> {
    const transfer = (await this.store.find([id])).find((found) => found.id === id);
    const readable = transfer !== undefined && (await this.#mayRead(transfer, caller));
    if (!readable) {
      const refusal = refuse('TRANSFER_UNKNOWN', transfer !== undefined);
      await this.outbox.recordDurably(refusedEvent('read', id, refusal, caller));
      throw new Problem(404, refusal.code, refusals[refusal.code]);
    }
    await this.outbox.recordDurably(seenEvent('read', 'read', id, caller));
    return transferToJson(transfer, this.clock());
  }

  /** The transfers made by the caller's subject or, with the client-wide scope, by its client; recorded by the page's bounds, because a page is long. */
  async list(query: ListTransfers, caller: Caller): Promise<TransferPageJson> {
    const found = await this.store.list(readingReach(caller.principal), query);
    const page = transferPageToJson(found, query.limit, this.clock());
    await this.outbox.recordDurably(
      listedEvent(
        page.transfers.map(({ id }) => id),
        caller,
      ),
    );
    return page;
  }

  #carryOut(command: LedgerCommand, accounts: readonly AccountId[], caller: Caller): Promise<Decision | Refusal> {
    const event = (transfer: Transfer, now: Date): ReturnType<typeof doneEvent> =>
      doneEvent(transfer, command.kind, caller, now);
    return this.posting.submit({ command, principal: caller.principal, event }, accounts);
  }

  async #answer(command: LedgerCommand, decision: Decision | Refusal, caller: Caller): Promise<TransferJson> {
    if (!decision.ok) {
      await this.outbox.recordDurably(refusedEvent(command.kind, command.id, decision, caller));
      throw new Problem(decision.code === 'TRANSFER_UNKNOWN' ? 404 : 422, decision.code, refusals[decision.code]);
    }
    if (decision.change === 'none') {
      await this.outbox.recordDurably(seenEvent('repeated', command.kind, command.id, caller));
    }
    return transferToJson(decision.transfer, this.clock());
  }

  async #mayRead(transfer: Transfer, { principal }: Caller): Promise<boolean> {
    if (authorityOf(principal).readAll || isWithin(readingReach(principal), transfer.origin)) return true;
    return this.accounts.ownsOne(principal.subject, accountsOf(transfer.legs));
  }
}
