import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { uuidv7 } from '@countersign/audit-event';
import { ownerOf } from '@countersign/auth-core';
import {
  AUDIT_OUTBOX,
  by,
  CLOCK,
  DATABASE,
  Problem,
  fingerprintOf,
  idempotencyKeyReused,
  type Caller,
  type Database,
  type IdempotencyKey,
} from '@countersign/service-host';
import { events } from '../events.js';
import { accountIdSchema, accountToJson, type AccountId, type AccountJson, type OpenAccount } from './account.js';
import { openAccount, openingRefusals } from './account-opening.js';
import {
  changeAccount,
  changeRefusals,
  changesBetween,
  type ChangeAccount,
  type ChangeRefusal,
} from './account-change.js';
import { changeStatus, statusRefusals, type ChangeStatus } from './account-status.js';
import { AccountsStore } from './accounts.store.js';
import { HOLDS_ON_ACCOUNTS, type HoldsOnAccounts } from './holds.js';
import { IdempotencyStore } from './idempotency.store.js';
import { unknownAccount } from './unknown-account.js';

/** What a request to open an account is answered: now, or once more. */
export interface Opened {
  readonly account: AccountJson;
  readonly replayed: boolean;
}

/** Opens accounts and changes them; each change is committed with its audit event. */
@Injectable()
export class AccountsService {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(AccountsStore) private readonly store: AccountsStore,
    @Inject(IdempotencyStore) private readonly keys: IdempotencyStore,
    @Inject(HOLDS_ON_ACCOUNTS) private readonly holds: HoldsOnAccounts,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  /** @param key of the request, if it has one: the same request again gets the first answer */
  async open(command: OpenAccount, key: IdempotencyKey | undefined, caller: Caller): Promise<Opened> {
    const id = accountIdSchema.parse(uuidv7());
    const now = this.clock();
    const account = openAccount(command, caller.principal, id, now);
    if (typeof account === 'string') {
      const denied = { id, outcome: 'denied', reason: account } as const;
      await this.outbox.recordDurably(events.event('account.opened', by(caller), denied));
      throw new Problem(403, account, openingRefusals[account]);
    }
    const opened = accountToJson(account);
    const { kind, overdraft, overdraft_limit, balance, owner } = opened;
    const changes = { kind, currency: balance.currency, overdraft, overdraft_limit, owner };
    const claim = key && { owner: ownerOf(caller.principal), key, fingerprint: fingerprintOf(membersOf(command)) };
    const known = await this.database.transaction(async (transaction) => {
      if (claim !== undefined) {
        const before = await this.keys.take(transaction, claim, opened, now);
        if (before !== undefined) return { ...before, claim };
      }
      await this.store.insert(transaction, account);
      await this.outbox.record(transaction, events.event('account.opened', by(caller), { id, changes }));
      return undefined;
    });
    if (known === undefined) return { account: opened, replayed: false };
    if (known.fingerprint !== known.claim.fingerprint) {
      const refused = { id: known.claim.key, outcome: 'failed', reason: 'IDEMPOTENCY_KEY_REUSED' } as const;
      await this.outbox.recordDurably(events.event('idempotency-key.refused', by(caller), refused));
      throw idempotencyKeyReused();
    }
    await this.outbox.recordDurably(events.event('account.repeated', by(caller), { id: known.answer.id }));
    return { account: known.answer, replayed: true };
  }

  /** Changes metadata and overdraft rule, under the lock that postings take: what is decided is what then stands. */
  async change(id: AccountId, command: ChangeAccount, caller: Caller): Promise<AccountJson> {
    await this.holds.releaseOverdue([id]);
    const changed = await this.database.transaction(async (transaction) => {
      const account = await this.store.lock(transaction, id);
      if (account === undefined) return { refusal: 'ACCOUNT_UNKNOWN', outcome: 'failed' } as const;
      const after = changeAccount(account, command, caller.principal);
      if (typeof after === 'string') return { refusal: after, outcome: outcomeOf(after) };
      await this.store.setTerms(transaction, after);
      const changes = changesBetween(account, after);
      await this.outbox.record(transaction, events.event('account.changed', by(caller), { id, changes }));
      return after;
    });
    if (!('refusal' in changed)) return accountToJson(changed);
    const { refusal, outcome } = changed;
    const refused = { id, outcome, reason: refusal };
    await this.outbox.recordDurably(events.event('account.changed', by(caller), refused));
    throw new Problem(changeRefusals[refusal][0], refusal, changeRefusals[refusal][1]);
  }

  /** Freezes, opens again, or closes. Holds past their time do not keep an account open. */
  async changeStatus(id: AccountId, command: ChangeStatus, caller: Caller): Promise<AccountJson> {
    if (command.status === 'closed') await this.holds.releaseOverdue([id]);
    const changed = await this.database.transaction(async (transaction) => {
      const account = await this.store.lock(transaction, id);
      if (account === undefined) return 'ACCOUNT_UNKNOWN';
      const after = changeStatus(account, command, await this.holds.countOn(transaction, id));
      if (typeof after === 'string') return after;
      await this.store.setStatus(transaction, after);
      const changes = { status: { from: account.status, to: after.status } };
      await this.outbox.record(transaction, events.event('account.status-changed', by(caller), { id, changes }));
      return after;
    });
    if (typeof changed !== 'string') return accountToJson(changed);
    const refused = { id, outcome: 'failed', reason: changed } as const;
    await this.outbox.recordDurably(events.event('account.status-changed', by(caller), refused));
    if (changed === 'ACCOUNT_UNKNOWN') throw unknownAccount();
    throw new Problem(422, changed, statusRefusals[changed]);
  }
}

/** What distinguishes one request to open an account from another. */
function membersOf(command: OpenAccount): readonly string[] {
  const { name, kind, currency, overdraft, overdraft_limit: limit, owner, metadata } = command;
  const members = Object.entries(metadata).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return [name, kind, currency, overdraft, limit?.amount.toString() ?? '', owner ?? '', ...members.flat()];
}

/** Of an account that is there: a stranger's, or a rule that is not the caller's to choose, is a matter of authority. */
function outcomeOf(refusal: ChangeRefusal): 'denied' | 'failed' {
  return refusal === 'ACCOUNT_UNKNOWN' || refusal === 'OVERDRAFT_NOT_YOURS' ? 'denied' : 'failed';
}
