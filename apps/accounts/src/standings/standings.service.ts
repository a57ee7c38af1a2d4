import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { EVERY } from '@countersign/audit-event';
import { AUDIT_OUTBOX, by, CLOCK, Problem, pageOf, type Caller } from '@countersign/service-host';
import {
  accountToJson,
  type Account,
  type AccountId,
  type AccountJson,
  type AccountPageJson,
  type ListAccounts,
} from '../accounts/account.js';
import { unknownAccount } from '../accounts/unknown-account.js';
import { authorityOf } from '../authority.js';
import { events } from '../events.js';
import { balanceToJson, type AsOfQuery, type BalanceJson } from './balance-as-of.js';
import { StandingsStore } from './standings.store.js';
import { statementToJson, type StatementJson, type StatementQuery } from './statement.js';

/** Returns the state of accounts; every read is recorded in the audit trail before the response. */
@Injectable()
export class StandingsService {
  constructor(
    @Inject(StandingsStore) private readonly store: StandingsStore,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  async read(id: AccountId, caller: Caller): Promise<AccountJson> {
    return accountToJson(await this.#find('account.read', id, caller));
  }

  async list(query: ListAccounts, caller: Caller): Promise<AccountPageJson> {
    const { principal } = caller;
    const owner = authorityOf(principal).readAll ? (query.owner ?? principal.subject) : principal.subject;
    if (query.owner !== undefined && query.owner !== owner) {
      const denied = { id: EVERY, outcome: 'denied', reason: 'OWNER_NOT_YOURS' } as const;
      await this.outbox.recordDurably(events.event('accounts.listed', by(caller), denied));
      throw new Problem(
        403,
        'OWNER_NOT_YOURS',
        "Listing another owner's accounts needs the scope accounts:admin or accounts:audit.",
      );
    }
    const { rows, last } = pageOf(await this.store.list(owner, query, this.clock()), query.limit);
    const changes = { owner, shown: rows.map(({ id }) => id) };
    await this.outbox.recordDurably(events.event('accounts.listed', by(caller), { id: EVERY, changes }));
    return { accounts: rows.map(accountToJson), next_cursor: last?.id ?? null };
  }

  async balanceAsOf(id: AccountId, { as_of }: AsOfQuery, caller: Caller): Promise<BalanceJson> {
    const account = await this.#find('balance.read', id, caller);
    if (as_of >= this.clock()) throw new Problem(422, 'AS_OF_NOT_PAST', 'as_of must be in the past.');
    return balanceToJson(account, as_of, await this.store.balanceAsOf(id, as_of));
  }

  async statement(id: AccountId, query: StatementQuery, caller: Caller): Promise<StatementJson> {
    const account = await this.#find('statement.read', id, caller);
    return statementToJson(account, await this.store.entries(id, query, this.clock()), query.limit);
  }

  /** The account, for its owner or a caller who may read all; the read is recorded first. To a stranger it does not exist. */
  async #find(
    look: 'account.read' | 'balance.read' | 'statement.read',
    id: AccountId,
    caller: Caller,
  ): Promise<Account> {
    const { principal } = caller;
    const account = await this.store.find(id, this.clock());
    if (account !== undefined && (account.owner === principal.subject || authorityOf(principal).readAll)) {
      await this.outbox.recordDurably(events.event(look, by(caller), { id }));
      return account;
    }
    const outcome = account === undefined ? 'failed' : 'denied';
    await this.outbox.recordDurably(events.event(look, by(caller), { id, outcome, reason: 'ACCOUNT_UNKNOWN' }));
    throw unknownAccount();
  }
}
