import { Inject, Injectable } from '@nestjs/common';
import { POOL } from '@countersign/service-host';
import type pg from 'pg';
import { z } from 'zod';
import { accountOf, accountRowSchema, type AccountRow } from '../accounts/account-row.js';
import { type Account, type AccountId, type ListAccounts } from '../accounts/account.js';
import { entryOf, type Entry, type EntryRow, type StatementQuery } from './statement.js';

/** What an account's overdue holds still reserve in the database; an expired hold reserves nothing. */
const overdueOf = `
  coalesce((select sum(l.amount) from hold h join leg l on l.transfer_id = h.transfer_id
    where h.status = 'held' and h.expires_at <= $2 and h.accounts @> array[account.id]
      and case when account.kind in ('asset', 'expense') then l.credit_account else l.debit_account end = account.id), 0)`;

/** When the entry of the cursor $2 was posted; null if it belongs to another account. */
const cursorTime = `(select case when account_id = $1 then posted_at end from entry where position = $2)`;

/**
 * An entry names who posted it: the transfer's maker, or the author of its post. The end $5 and the cursor form one bound, so that the index is entered
 * there: with bounds that may be null, the plan for all values of them would read every newer entry of the account.
 */
const findEntries = `
  select e.position, e.transfer_id, e.side, e.amount, e.balance_after, e.posted_at, t.reference,
    coalesce(h.ended_by_subject, t.subject) as subject, coalesce(h.ended_by_client_id, t.client_id) as client_id,
    coalesce(h.ended_by_actors, t.actors) as actors, coalesce(h.ended_by_txn, t.txn) as txn
  from entry e join transfer t on t.id = e.transfer_id left join hold h on h.transfer_id = e.transfer_id
  where e.account_id = $1 and e.posted_at >= $4::timestamptz
    and (e.posted_at, e.position) < (
      case when $2::bigint is null or ${cursorTime} >= $5::timestamptz then $5 else ${cursorTime} end,
      case when $2 is null or ${cursorTime} >= $5 then 0 else $2 end)
  order by e.posted_at desc, e.position desc limit $3`;

/** Balances and holds of accounts: read over accounts and transfers together. */
@Injectable()
export class StandingsStore {
  constructor(@Inject(POOL) private readonly pool: pg.Pool) {}

  async find(id: AccountId, now: Date): Promise<Account | undefined> {
    const { rows } = await this.pool.query<AccountRow>({
      name: 'ledger.find-account',
      text: `select account.*, account.held - ${overdueOf} as held from account where id = $1`,
      values: [id, now],
    });
    return rows.map(accountOf)[0];
  }

  /** One account more than the page holds, if there are more. */
  async list(owner: string, { cursor, limit }: ListAccounts, now: Date): Promise<readonly Account[]> {
    const { rows } = await this.pool.query(
      `select account.*, account.held - ${overdueOf} as held from account
        where owner = $1 and ($3::uuid is null or id > $3) order by id limit $4`,
      [owner, now, cursor ?? null, limit + 1],
    );
    return z.array(accountRowSchema).parse(rows).map(accountOf);
  }

  /** Credits minus debits after the last entry at that past time: the result never changes. */
  async balanceAsOf(id: AccountId, asOf: Date): Promise<bigint> {
    await this.#closeBefore(id, new Date(asOf.getTime() + 1));
    const { rows } = await this.pool.query<{ balance_after: string }>({
      name: 'ledger.balance-as-of',
      text: `select balance_after from entry where account_id = $1 and posted_at <= $2
        order by posted_at desc, position desc limit 1`,
      values: [id, asOf],
    });
    return BigInt(rows[0]?.balance_after ?? 0);
  }

  /** One entry more than the page holds, if there are more; up to a past end, the result never changes. */
  async entries(id: AccountId, { cursor, limit, from, to }: StatementQuery, now: Date): Promise<readonly Entry[]> {
    if (to !== undefined && to <= now) await this.#closeBefore(id, to);
    const { rows } = await this.pool.query<EntryRow>({
      name: 'ledger.find-entries',
      text: findEntries,
      values: [id, cursor ?? null, limit + 1, from ?? '-infinity', to ?? 'infinity'],
    });
    return rows.map(entryOf);
  }

  /**
   * From now on nothing is posted to the account at an earlier time, whatever the replicas' clocks say: waits for postings in progress, and
   * later ones get at least this time. If the account has already reached the time, postings in progress cannot be earlier either.
   */
  async #closeBefore(id: AccountId, time: Date): Promise<void> {
    await this.pool.query({
      name: 'ledger.close-before',
      text: 'update account set changed_at = $2 where id = $1 and changed_at < $2',
      values: [id, time],
    });
  }
}
