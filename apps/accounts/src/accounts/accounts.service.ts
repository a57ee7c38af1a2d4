import { Inject, Injectable } from '@nestjs/common';
import { principalOf, uuidv7, type AuditOutbox } from '@countersign/audit-client';
import { type Principal } from '@countersign/auth-core';
import {
  AUDIT_OUTBOX,
  CLOCK,
  DATABASE,
  Problem,
  auditRequest,
  type Database,
  type RequestTrace,
} from '@countersign/service-host';
import { and, desc, eq, lt } from 'drizzle-orm';
import { entryTable } from '../transfers/transfers.tables.js';
import {
  accountIdSchema,
  accountToJson,
  type Account,
  type AccountId,
  type AccountJson,
  type OpenAccount,
} from './account.js';
import { accountTable } from './accounts.tables.js';
import { statementToJson, type StatementJson, type StatementQuery } from './statement.js';

/** Opens accounts and answers what stands on them; every look is in the audit trail before it is answered. */
@Injectable()
export class AccountsService {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  async open(command: OpenAccount, caller: Principal, trace: RequestTrace): Promise<AccountJson> {
    const account: Account = {
      ...command,
      id: accountIdSchema.parse(uuidv7()),
      creditsMinusDebits: 0n,
      openedBy: caller.clientId,
      openedAt: this.clock(),
    };
    await this.database.transaction(async (transaction) => {
      await transaction.insert(accountTable).values(account);
      await this.outbox.record(transaction, {
        type: 'countersign.accounts.account.opened.v1',
        subject: account.id,
        traceparent: trace.traceparent,
        data: {
          principal: principalOf(caller),
          txn: caller.txn,
          action: 'accounts:open',
          resource: `account/${account.id}`,
          outcome: 'allowed',
          request: auditRequest(trace),
          changes: { kind: account.kind, currency: account.currency, overdraft: account.overdraft },
        },
      });
    });
    return accountToJson(account);
  }

  async read(id: AccountId, caller: Principal, trace: RequestTrace): Promise<AccountJson> {
    const account = await this.#find(id);
    await this.#recordLook('account.read', 'accounts:read', id, account, caller, trace);
    return accountToJson(this.#found(account));
  }

  async statement(
    id: AccountId,
    query: StatementQuery,
    caller: Principal,
    trace: RequestTrace,
  ): Promise<StatementJson> {
    const account = await this.#find(id);
    const before = query.cursor === undefined ? undefined : lt(entryTable.position, query.cursor);
    const entries = await this.database
      .select()
      .from(entryTable)
      .where(and(eq(entryTable.accountId, id), before))
      .orderBy(desc(entryTable.position))
      .limit(query.limit + 1);
    await this.#recordLook('statement.read', 'accounts:read-statement', id, account, caller, trace);
    return statementToJson(this.#found(account), entries, query.limit);
  }

  async #find(id: AccountId): Promise<Account | undefined> {
    const [account] = await this.database.select().from(accountTable).where(eq(accountTable.id, id));
    return account;
  }

  #found(account: Account | undefined): Account {
    if (account === undefined) throw new Problem(404, 'ACCOUNT_UNKNOWN', 'There is no such account.');
    return account;
  }

  async #recordLook(
    done: string,
    action: string,
    id: AccountId,
    account: Account | undefined,
    caller: Principal,
    trace: RequestTrace,
  ): Promise<void> {
    await this.outbox.recordDurably({
      type: `countersign.accounts.${done}.v1`,
      subject: id,
      traceparent: trace.traceparent,
      data: {
        principal: principalOf(caller),
        txn: caller.txn,
        action,
        resource: `account/${id}`,
        outcome: account === undefined ? 'failed' : 'allowed',
        ...(account === undefined ? { reason: 'ACCOUNT_UNKNOWN' } : {}),
        request: auditRequest(trace),
      },
    });
  }
}
