import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { uuidv7 } from '@countersign/audit-event';
import {
  AUDIT_OUTBOX,
  by,
  CLOCK,
  DATABASE,
  KeyedAnswers,
  Problem,
  type Caller,
  type Database,
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
import { unknownAccount } from './unknown-account.js';

/** Opens accounts and changes them; each change is committed with its audit event. */
@Injectable()
export class AccountsService {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(AccountsStore) private readonly store: AccountsStore,
    @Inject(KeyedAnswers) private readonly answers: KeyedAnswers,
    @Inject(HOLDS_ON_ACCOUNTS) private readonly holds: HoldsOnAccounts,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  async open(command: OpenAccount, caller: Caller): Promise<AccountJson> {
    const id = accountIdSchema.parse(uuidv7());
    const account = openAccount(command, caller.principal, id, this.clock());
    if (typeof account === 'string') {
      const denied = { id, outcome: 'denied', reason: account } as const;
      await this.outbox.recordDurably(events.event('account.opened', by(caller), denied));
      throw new Problem(403, account, openingRefusals[account]);
    }
    const opened = accountToJson(account);
    const { kind, overdraft, overdraft_limit, balance, owner } = opened;
    const changes = { kind, currency: balance.currency, overdraft, overdraft_limit, owner };
    await this.database.transaction(async (transaction) => {
      await this.answers.begin(transaction, caller);
      await this.store.insert(transaction, account);
      await this.outbox.record(transaction, events.event('account.opened', by(caller), { id, changes }));
      await this.answers.keep(transaction, caller, id, opened);
    });
    return opened;
  }

  /** Changes metadata and overdraft rule, under the same lock as postings, so that the decision stays valid. */
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

  /** Freezes, reopens or closes. Expired holds do not prevent closing. */
  async changeStatus(id: AccountId, command: ChangeStatus, caller: Caller): Promise<AccountJson> {
    if (command.status === 'closed') await this.holds.releaseOverdue([id]);
    const changed = await this.database.transaction(async (transaction) => {
      const account = await this.store.lock(transaction, id);
      if (account === undefined) return 'ACCOUNT_UNKNOWN';
      const hasHolds = command.status === 'closed' && (await this.holds.anyOn(transaction, id));
      const after = changeStatus(account, command, hasHolds);
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

/** For an existing account: another owner's, or a rule that the caller may not choose, is a matter of authority. */
function outcomeOf(refusal: ChangeRefusal): 'denied' | 'failed' {
  return refusal === 'ACCOUNT_UNKNOWN' || refusal === 'OVERDRAFT_NOT_YOURS' ? 'denied' : 'failed';
}
