import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { principalOf, uuidv7, type NewAuditEvent } from '@countersign/audit-event';
import { ownerOf, type Principal } from '@countersign/auth-core';
import {
  AUDIT_OUTBOX,
  CLOCK,
  DATABASE,
  Problem,
  auditRequest,
  fingerprintOf,
  idempotencyKeyReused,
  type Database,
  type IdempotencyKey,
  type RequestTrace,
} from '@countersign/service-host';
import { authorityOf, commanderOf } from '../authority.js';
import { IdempotencyStore } from '../idempotency/idempotency.store.js';
import { HoldExpiry } from '../transfers/hold-expiry.js';
import {
  accountIdSchema,
  accountToJson,
  type Account,
  type AccountId,
  type AccountJson,
  type AccountPageJson,
  type ListAccounts,
  type OpenAccount,
} from './account.js';
import { openAccount, openingRefusals } from './account-opening.js';
import {
  changeAccount,
  changeRefusals,
  changesBetween,
  type ChangeAccount,
  type ChangeRefusal,
} from './account-change.js';
import { changeStatus, statusRefusals, type ChangeStatus } from './account-status.js';
import { balanceToJson, type AsOfQuery, type BalanceJson } from './balance-as-of.js';
import { AccountsStore } from './accounts.store.js';
import { statementToJson, type StatementJson, type StatementQuery } from './statement.js';

/** What a request to open an account is answered: now, or once more. */
export interface Opened {
  readonly account: AccountJson;
  readonly replayed: boolean;
}

/** Opens accounts and answers what stands on them; every look is in the audit trail before it is answered. */
@Injectable()
export class AccountsService {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(AccountsStore) private readonly store: AccountsStore,
    @Inject(IdempotencyStore) private readonly keys: IdempotencyStore,
    @Inject(HoldExpiry) private readonly expiry: HoldExpiry,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  /** @param key of the request, if it has one: the same request again gets the first answer */
  async open(
    command: OpenAccount,
    key: IdempotencyKey | undefined,
    caller: Principal,
    trace: RequestTrace,
  ): Promise<Opened> {
    const id = accountIdSchema.parse(uuidv7());
    const event = this.#event('account.opened', 'accounts:open', id, caller, trace);
    const now = this.clock();
    const account = openAccount(command, commanderOf(caller), id, now);
    if (typeof account === 'string') {
      await this.outbox.recordDurably(failed(event, 'denied', account));
      throw new Problem(403, account, openingRefusals[account]);
    }
    const opened = accountToJson(account);
    const { kind, overdraft, overdraft_limit: limit, balance, owner } = opened;
    const claim = key && { owner: ownerOf(caller), key, fingerprint: fingerprintOf(membersOf(command)) };
    const known = await this.database.transaction(async (transaction) => {
      const before = claim && (await this.keys.take(transaction, claim, opened, now));
      if (before !== undefined) return before;
      await this.store.insert(transaction, account);
      await this.outbox.record(transaction, {
        ...event,
        data: {
          ...event.data,
          changes: { kind, currency: balance.currency, overdraft, overdraft_limit: limit, owner },
        },
      });
      return undefined;
    });
    if (known === undefined) return { account: opened, replayed: false };
    if (known.fingerprint !== claim?.fingerprint) {
      await this.outbox.recordDurably(failed(event, 'failed', 'IDEMPOTENCY_KEY_REUSED'));
      throw idempotencyKeyReused();
    }
    const first = accountIdSchema.parse(known.answer.id);
    await this.outbox.recordDurably(this.#event('account.repeated', 'accounts:open', first, caller, trace));
    return { account: known.answer, replayed: true };
  }

  async read(id: AccountId, caller: Principal, trace: RequestTrace): Promise<AccountJson> {
    return accountToJson(await this.#look('account.read', 'accounts:read', id, caller, trace));
  }

  async list(query: ListAccounts, caller: Principal, trace: RequestTrace): Promise<AccountPageJson> {
    const owner = authorityOf(caller).readAll ? (query.owner ?? caller.subject) : caller.subject;
    const event = this.#event('accounts.listed', 'accounts:list', 'accounts', caller, trace);
    if (query.owner !== undefined && query.owner !== owner) {
      await this.outbox.recordDurably(failed(event, 'denied', 'OWNER_NOT_YOURS'));
      throw new Problem(
        403,
        'OWNER_NOT_YOURS',
        "Listing another owner's accounts needs the scope accounts:admin or accounts:audit.",
      );
    }
    const found = await this.store.list(owner, query, this.clock());
    const page = found.slice(0, query.limit);
    const changes = { owner, shown: page.map(({ id }) => id) };
    await this.outbox.recordDurably({ ...event, data: { ...event.data, changes } });
    return {
      accounts: page.map(accountToJson),
      next_cursor: found.length > query.limit ? (page.at(-1)?.id ?? null) : null,
    };
  }

  async balanceAsOf(id: AccountId, { as_of }: AsOfQuery, caller: Principal, trace: RequestTrace): Promise<BalanceJson> {
    const account = await this.#look('balance.read', 'accounts:read-balance', id, caller, trace);
    if (as_of >= this.clock()) throw new Problem(422, 'AS_OF_NOT_PAST', 'as_of must be in the past.');
    return balanceToJson(account, as_of, await this.store.balanceAsOf(id, as_of));
  }

  /** Changes metadata and overdraft rule, under the lock that postings take: what is decided is what then stands. */
  async change(id: AccountId, command: ChangeAccount, caller: Principal, trace: RequestTrace): Promise<AccountJson> {
    const event = this.#event('account.changed', 'accounts:change', id, caller, trace);
    await this.expiry.releaseOverdue([id]);
    const changed = await this.database.transaction(async (transaction) => {
      const account = await this.store.lock(transaction, id);
      if (account === undefined) return { refusal: 'ACCOUNT_UNKNOWN', outcome: 'failed' } as const;
      const after = changeAccount(account, command, commanderOf(caller));
      if (typeof after === 'string') return { refusal: after, outcome: outcomeOf(after) };
      await this.store.setTerms(transaction, after);
      const changes = changesBetween(account, after);
      await this.outbox.record(transaction, { ...event, data: { ...event.data, changes } });
      return after;
    });
    if (!('refusal' in changed)) return accountToJson(changed);
    const { refusal, outcome } = changed;
    await this.outbox.recordDurably(failed(event, outcome, refusal));
    throw new Problem(changeRefusals[refusal][0], refusal, changeRefusals[refusal][1]);
  }

  /** Freezes, opens again, or closes. Holds past their time do not keep an account open. */
  async changeStatus(
    id: AccountId,
    command: ChangeStatus,
    caller: Principal,
    trace: RequestTrace,
  ): Promise<AccountJson> {
    if (command.status === 'closed') await this.expiry.releaseOverdue([id]);
    const event = this.#event('account.status-changed', 'accounts:change-status', id, caller, trace);
    const changed = await this.database.transaction(async (transaction) => {
      const account = await this.store.lock(transaction, id);
      if (account === undefined) return 'ACCOUNT_UNKNOWN';
      const after = changeStatus(account, command, await this.store.holdsOn(transaction, id));
      if (typeof after === 'string') return after;
      await this.store.setStatus(transaction, after);
      const changes = { status: { from: account.status, to: after.status } };
      await this.outbox.record(transaction, { ...event, data: { ...event.data, changes } });
      return after;
    });
    if (typeof changed !== 'string') return accountToJson(changed);
    await this.outbox.recordDurably(failed(event, 'failed', changed));
    if (changed === 'ACCOUNT_UNKNOWN') throw unknownAccount();
    throw new Problem(422, changed, statusRefusals[changed]);
  }

  async statement(
    id: AccountId,
    query: StatementQuery,
    caller: Principal,
    trace: RequestTrace,
  ): Promise<StatementJson> {
    const account = await this.#look('statement.read', 'accounts:read-statement', id, caller, trace);
    return statementToJson(account, await this.store.entries(id, query), query.limit);
  }

  /** The account, for its owner or who may read all; the look is recorded first. A stranger is told that there is none. */
  async #look(done: string, action: string, id: AccountId, caller: Principal, trace: RequestTrace): Promise<Account> {
    const event = this.#event(done, action, id, caller, trace);
    const account = await this.store.find(id, this.clock());
    if (account !== undefined && (account.owner === caller.subject || authorityOf(caller).readAll)) {
      await this.outbox.recordDurably(event);
      return account;
    }
    await this.outbox.recordDurably(failed(event, account === undefined ? 'failed' : 'denied', 'ACCOUNT_UNKNOWN'));
    throw unknownAccount();
  }

  #event(
    done: string,
    action: string,
    id: AccountId | 'accounts',
    caller: Principal,
    trace: RequestTrace,
  ): NewAuditEvent {
    return {
      type: `countersign.accounts.${done}.v1`,
      subject: id,
      traceparent: trace.traceparent,
      data: {
        principal: principalOf(caller),
        txn: caller.txn,
        action,
        resource: id === 'accounts' ? id : `account/${id}`,
        outcome: 'allowed',
        request: auditRequest(trace),
      },
    };
  }
}

/** What tells one request to open an account from another. */
function membersOf(command: OpenAccount): readonly string[] {
  const { name, kind, currency, overdraft, overdraft_limit: limit, owner, metadata } = command;
  const members = Object.entries(metadata).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return [name, kind, currency, overdraft, limit?.amount.toString() ?? '', owner ?? '', ...members.flat()];
}

function unknownAccount(): Problem {
  return new Problem(404, 'ACCOUNT_UNKNOWN', changeRefusals.ACCOUNT_UNKNOWN[1]);
}

/** Of an account that is there: a stranger's, or a rule that is not the caller's to choose, is a matter of authority. */
function outcomeOf(refusal: ChangeRefusal): 'denied' | 'failed' {
  return refusal === 'ACCOUNT_UNKNOWN' || refusal === 'OVERDRAFT_NOT_YOURS' ? 'denied' : 'failed';
}

function failed(event: NewAuditEvent, outcome: 'failed' | 'denied', reason: string): NewAuditEvent {
  return { ...event, data: { ...event.data, outcome, reason } };
}
