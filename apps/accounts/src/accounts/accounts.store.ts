import { Inject, Injectable } from '@nestjs/common';
import { POOL, type Transaction } from '@countersign/service-host';
import { eq } from 'drizzle-orm';
import type pg from 'pg';
import { type Account, type AccountId } from './account.js';
import { accountTable } from './accounts.tables.js';

@Injectable()
export class AccountsStore {
  constructor(@Inject(POOL) private readonly pool: pg.Pool) {}

  async insert(transaction: Transaction, account: Account): Promise<void> {
    await transaction.insert(accountTable).values(account);
  }

  /** The account, locked until the transaction ends. */
  async lock(transaction: Transaction, id: AccountId): Promise<Account | undefined> {
    const [account] = await transaction.select().from(accountTable).where(eq(accountTable.id, id)).for('no key update');
    return account;
  }

  async setStatus(transaction: Transaction, { id, status }: Account): Promise<void> {
    await transaction.update(accountTable).set({ status }).where(eq(accountTable.id, id));
  }

  async setTerms(transaction: Transaction, account: Account): Promise<void> {
    const { id, overdraft, overdraftLimit, grantedBy, metadata } = account;
    await transaction
      .update(accountTable)
      .set({ overdraft, overdraftLimit, grantedBy, metadata })
      .where(eq(accountTable.id, id));
  }

  /** Whether this subject owns one of the accounts. */
  async ownsOne(owner: string, ids: readonly AccountId[]): Promise<boolean> {
    const { rowCount } = await this.pool.query(
      'select from account where id = any($1::uuid[]) and owner = $2 limit 1',
      [ids, owner],
    );
    return rowCount !== 0;
  }
}
