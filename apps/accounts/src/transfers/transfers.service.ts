import { Inject, Injectable } from '@nestjs/common';
import { principalOf, type AuditOutbox, type NewAuditEvent } from '@countersign/audit-client';
import { type Principal } from '@countersign/auth-core';
import {
  AUDIT_OUTBOX,
  CLOCK,
  DATABASE,
  Problem,
  auditRequest,
  type Database,
  type RequestTrace,
  type Transaction,
} from '@countersign/service-host';
import { asc, eq, inArray } from 'drizzle-orm';
import { accountTable } from '../accounts/accounts.tables.js';
import {
  isSameTransfer,
  post,
  transferToJson,
  type PostTransfer,
  type Transfer,
  type TransferId,
  type TransferJson,
  type TransferRefusal,
} from './transfer.js';
import { entryTable, transferTable } from './transfers.tables.js';

const refusalDetails: Readonly<Record<TransferRefusal, string>> = {
  ACCOUNT_UNKNOWN: 'One of the two accounts does not exist.',
  SAME_ACCOUNT: 'A transfer needs two different accounts.',
  CURRENCY_MISMATCH: 'Both accounts must have the currency of the amount.',
  INSUFFICIENT_FUNDS: 'The account may not be overdrawn, and this transfer would overdraw it.',
  BALANCE_LIMIT: 'The balance would leave the range that this ledger keeps.',
};

/** Undoes the transaction; the refusal is then recorded and answered outside of it. */
class Refused extends Error {
  constructor(readonly refusal: TransferRefusal) {
    super(refusal);
  }
}

/** Posts balanced double entries: accounts locked in one order, so that concurrent transfers wait but never deadlock. */
@Injectable()
export class TransfersService {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  async post(command: PostTransfer, caller: Principal, trace: RequestTrace): Promise<TransferJson> {
    try {
      return transferToJson(
        await this.database.transaction((transaction) => this.#post(transaction, command, caller, trace)),
      );
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      await this.outbox.recordDurably({
        ...this.#event('transfer.refused', 'transfers:create', command.id, caller, trace),
        data: {
          ...this.#event('transfer.refused', 'transfers:create', command.id, caller, trace).data,
          outcome: 'failed',
          reason: error.refusal,
        },
      });
      throw new Problem(422, error.refusal, refusalDetails[error.refusal]);
    }
  }

  async read(id: TransferId, caller: Principal, trace: RequestTrace): Promise<TransferJson> {
    const [transfer] = await this.database.select().from(transferTable).where(eq(transferTable.id, id));
    const event = this.#event('transfer.read', 'transfers:read', id, caller, trace);
    if (transfer === undefined) {
      await this.outbox.recordDurably({
        ...event,
        data: { ...event.data, outcome: 'failed', reason: 'TRANSFER_UNKNOWN' },
      });
      throw new Problem(404, 'TRANSFER_UNKNOWN', 'There is no such transfer.');
    }
    await this.outbox.recordDurably(event);
    return transferToJson(transfer);
  }

  async #post(
    transaction: Transaction,
    command: PostTransfer,
    caller: Principal,
    trace: RequestTrace,
  ): Promise<Transfer> {
    const accounts = await transaction
      .select()
      .from(accountTable)
      .where(inArray(accountTable.id, [command.debit_account, command.credit_account]))
      .orderBy(asc(accountTable.id))
      .for('update');
    const existing = await this.#existing(transaction, command);
    if (existing !== undefined) return existing;
    const debit = accounts.find((account) => account.id === command.debit_account);
    const credit = accounts.find((account) => account.id === command.credit_account);
    const posting = post(command.amount, debit, credit);
    if (!posting.ok) throw new Refused(posting.refusal);

    const transfer: Transfer = {
      id: command.id,
      debitAccount: command.debit_account,
      creditAccount: command.credit_account,
      amount: command.amount.amount,
      currency: command.amount.currency,
      reference: command.reference,
      subject: caller.subject,
      clientId: caller.clientId,
      actors: caller.actors.map((actor) => actor.subject),
      txn: caller.txn,
      postedAt: this.clock(),
    };
    const inserted = await transaction
      .insert(transferTable)
      .values({ ...transfer, actors: [...transfer.actors] })
      .onConflictDoNothing()
      .returning({ id: transferTable.id });
    if (inserted.length === 0) throw this.#reused();
    await transaction
      .insert(entryTable)
      .values(posting.entries.map((entry) => ({ ...entry, transferId: transfer.id, postedAt: transfer.postedAt })));
    for (const entry of posting.entries) {
      await transaction
        .update(accountTable)
        .set({ creditsMinusDebits: entry.balanceAfter })
        .where(eq(accountTable.id, entry.accountId));
    }
    const event = this.#event('transfer.posted', 'transfers:create', transfer.id, caller, trace);
    const { debit_account, credit_account, amount, reference } = transferToJson(transfer);
    await this.outbox.record(transaction, {
      ...event,
      data: { ...event.data, changes: { debit_account, credit_account, amount, reference } },
    });
    return transfer;
  }

  /** Under the accounts' locks: a retry of the same transfer finds the first one here, however they raced. */
  async #existing(transaction: Transaction, command: PostTransfer): Promise<Transfer | undefined> {
    const [existing] = await transaction.select().from(transferTable).where(eq(transferTable.id, command.id));
    if (existing !== undefined && !isSameTransfer(existing, command)) throw this.#reused();
    return existing;
  }

  #reused(): Problem {
    return new Problem(422, 'TRANSFER_ID_REUSED', 'Another transfer already stands under this id.');
  }

  #event(done: string, action: string, id: TransferId, caller: Principal, trace: RequestTrace): NewAuditEvent {
    return {
      type: `countersign.accounts.${done}.v1`,
      subject: id,
      traceparent: trace.traceparent,
      data: {
        principal: principalOf(caller),
        txn: caller.txn,
        action,
        resource: `transfer/${id}`,
        outcome: 'allowed',
        request: auditRequest(trace),
      },
    };
  }
}
