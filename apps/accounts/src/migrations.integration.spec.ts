import { startBackingServices, type BackingServices } from '@countersign/backing-services';
import { keyedAnswerTable, openDatabase } from '@countersign/service-host';
import { getTableColumns, getTableName } from 'drizzle-orm';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import pg from 'pg';
import pino from 'pino';
import { z } from 'zod';
import { accountTable } from './accounts/accounts.tables.js';
import { invariants, questionOf } from './invariants/invariants.store.js';
import { entryTable, holdTable, legTable, transferTable } from './transfers/transfers.tables.js';

const migrationsFolder = fileURLToPath(new URL('../migrations', import.meta.url));
const logger = pino({ level: 'silent' });
const [from, to, first, second] = ['a', 'b', 'c', 'd'].map(
  (letter) => `${letter.repeat(8)}-0000-7000-8000-000000000000`,
);

/** What the first version wrote for one transfer of 5, after `before` had moved. */
const earlierTransfer = (id: string | undefined, before: number): string => `
  insert into transfer (id, debit_account, credit_account, amount, currency, reference, subject, client_id, actors, txn, posted_at)
    values ('${String(id)}', '${String(from)}', '${String(to)}', 5, 'EUR', '', 'alice', 'shop', '{shop}', 'txn', now());
  insert into entry (transfer_id, account_id, side, amount, balance_after, posted_at) values
    ('${String(id)}', '${String(from)}', 'debit', 5, ${String(-before - 5)}, now()), ('${String(id)}', '${String(to)}', 'credit', 5, ${String(before + 5)}, now());
  update account set credits_minus_debits = ${String(-before - 5)} where id = '${String(from)}';
  update account set credits_minus_debits = ${String(before + 5)} where id = '${String(to)}';`;

describe('the migrations', () => {
  let services: BackingServices;
  const folder = mkdtempSync(join(tmpdir(), 'countersign-migrations-'));
  const pools: pg.Pool[] = [];
  beforeAll(async () => {
    services = await startBackingServices();
  }, 120_000);
  afterAll(async () => {
    await Promise.all(pools.map((pool) => pool.end()));
    await services.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  async function migrated(url: string): Promise<pg.Pool> {
    const pool = await openDatabase({ url, migrationsFolder }, logger);
    pools.push(pool);
    return pool;
  }

  /** As versions did whose own migrations made the outbox, so that what makes it now must find it there. */
  async function migratedByEarlier(url: string, from: string): Promise<pg.Pool> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      const { rows } = await client.query<{ owner: string }>(
        'select pg_get_userbyid(datdba) as owner from pg_database where datname = current_database()',
      );
      await client.query(`set role ${client.escapeIdentifier(rows[0]?.owner ?? '')}`);
      await client.query('alter default privileges grant select, insert, update, delete on tables to session_user');
      await migrate(drizzle({ client }), { migrationsFolder: from });
    } finally {
      await client.end();
    }
    const pool = new pg.Pool({ connectionString: url });
    pool.on('error', () => undefined);
    pools.push(pool);
    return pool;
  }

  /** The schema as it was after so many migrations. */
  async function upTo(migrations: number, url: string): Promise<pg.Pool> {
    cpSync(migrationsFolder, folder, { recursive: true });
    const path = join(folder, 'meta', '_journal.json');
    const journal = z.looseObject({ entries: z.array(z.unknown()) }).parse(JSON.parse(readFileSync(path, 'utf8')));
    writeFileSync(path, JSON.stringify({ ...journal, entries: journal.entries.slice(0, migrations) }));
    return migratedByEarlier(url, folder);
  }

  async function broken(pool: pg.Pool, but: readonly string[] = []): Promise<readonly string[]> {
    const names = [];
    for (const invariant of invariants.filter(({ name }) => !but.includes(name)))
      if ((await pool.query<{ count: number }>(questionOf(invariant))).rows[0]?.count !== 0) names.push(invariant.name);
    return names;
  }

  it('create the tables that the code uses: each column, its type, and its nullability', async () => {
    const pool = await migrated(await services.database('accounts'));
    for (const table of [accountTable, transferTable, legTable, holdTable, entryTable, keyedAnswerTable]) {
      const { rows } = await pool.query<{ name: string; type: string; required: boolean; filled: boolean }>(
        `select attname as name, format_type(atttypid, atttypmod) as type, attnotnull as required,
           atthasdef or attidentity <> '' as filled from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped`,
        [getTableName(table)],
      );
      const columns = Object.values(getTableColumns(table)).map((column) => ({
        name: column.name,
        type: column.getSQLType().replace(/^char\(/, 'character('),
        required: column.notNull,
        filled: column.hasDefault,
      }));
      const byName = (a: { name: string }, b: { name: string }): number => a.name.localeCompare(b.name);
      expect(rows.sort(byName)).toEqual(columns.sort(byName));
    }
  });

  it("migrate the first version's ledger, and let one of its replicas keep working until its columns are dropped", async () => {
    const url = await services.database('earlier');
    const earlier = await upTo(1, url);
    const account = (id: string | undefined, overdraft: string): string =>
      `insert into account (id, name, kind, currency, overdraft, opened_by, opened_at) values ('${String(id)}', 'x', 'liability', 'EUR', '${overdraft}', 'alice', now());`;
    await earlier.query(account(from, 'allowed') + account(to, 'forbidden') + earlierTransfer(first, 0));

    const pool = await upTo(5, url);
    await earlier.query(earlierTransfer(second, 5));
    await earlier.query(account('eeeeeeee-0000-7000-8000-000000000000', 'forbidden'));
    expect(await broken(pool, ['given_as_granted'])).toEqual([]);
    const { rows } = await pool.query(
      `select transfer_id, number, debit_account, amount from leg order by transfer_id`,
    );
    expect(rows).toEqual(
      [first, second].map((transfer_id) => ({ transfer_id, number: 0, debit_account: from, amount: '5' })),
    );
    const { rows: owners } = await pool.query('select distinct owner, status from account');
    expect(owners).toEqual([{ owner: 'alice', status: 'open' }]);
    const contracted = await migrated(url);
    expect(await broken(contracted)).toEqual([]);
    expect((await contracted.query('select transfer_id from leg')).rowCount).toBe(2);
  });

  it('keep who may be overdrawn as decided at opening, even if a replica of the previous version opens or changes them', async () => {
    const pool = await migrated(await services.database('grants'));
    const open = (id: string, kind: string, overdraft: string): Promise<unknown> =>
      pool.query(
        `insert into account (id, name, kind, currency, overdraft, owner, opened_by, opened_at, changed_at)
          values ($1, 'x', $2, 'EUR', $3, 'alice', 'shop', now(), now())`,
        [id, kind, overdraft],
      );
    const [asset, plain, given] = ['a', 'b', 'c'].map((letter) => `${letter.repeat(8)}-0000-7000-8000-000000000001`);
    await open(String(asset), 'asset', 'forbidden');
    await open(String(plain), 'liability', 'forbidden');
    await open(String(given), 'liability', 'allowed');
    const granted = async (): Promise<unknown> =>
      (await pool.query<{ granted_by: string }>('select granted_by from account order by id')).rows.map(
        ({ granted_by }) => granted_by,
      );
    expect(await granted()).toEqual([null, null, 'shop']);
    await pool.query(`update account set overdraft = 'allowed' where id = $1`, [plain]);
    expect(await granted()).toEqual([null, 'shop', 'shop']);
  });

  it('store the accounts of each open hold, even if a replica of the previous version creates it', async () => {
    const url = await services.database('holds');
    const earlier = await upTo(9, url);
    for (const id of [from, to]) {
      await earlier.query(
        `insert into account (id, name, kind, currency, overdraft, owner, opened_by, opened_at, changed_at)
          values ($1, 'x', 'liability', 'EUR', 'allowed', 'alice', 'shop', now(), now())`,
        [id],
      );
    }
    // As that version does: all in one statement.
    const hold = (pool: pg.Pool, id: string, end: string): Promise<unknown> =>
      pool.query(
        `with made as (
           insert into transfer (id, reference, subject, client_id, actors, txn, posted_at) values ($1, '', 'alice', 'shop', '{}', 'txn', now())
         ), legs as (
           insert into leg values ($1, 0, $2, $3, 5, 'EUR'), ($1, 1, $2, $3, 6, 'EUR')
         ) insert into hold (transfer_id, status, expires_at, ended_at) values ($1, $4, now(), case when $4 = 'voided' then now() end)`,
        [id, from, to, end],
      );
    const third = 'eeeeeeee-0000-7000-8000-000000000000';
    await hold(earlier, String(first), 'held');
    await hold(earlier, String(second), 'voided');
    const pool = await migrated(url);
    await hold(pool, third, 'held');
    const { rows } = await pool.query('select transfer_id as id, accounts from hold order by transfer_id');
    const accounts = [from, to];
    expect(rows).toEqual([
      { id: first, accounts },
      { id: second, accounts: null },
      { id: third, accounts },
    ]);
    await expect(pool.query(`update hold set accounts = '{}' where transfer_id = $1`, [first])).rejects.toThrow(
      'a hold ends once',
    );
  });

  it('are listed in the order in which they are applied, and each exists', () => {
    const { entries } = z
      .object({ entries: z.array(z.object({ idx: z.number(), when: z.number(), tag: z.string() })) })
      .parse(JSON.parse(readFileSync(join(migrationsFolder, 'meta', '_journal.json'), 'utf8')));
    expect(entries.map(({ idx }) => idx)).toEqual(entries.map((_, index) => index));
    expect(entries.map(({ when }) => when)).toEqual(entries.map(({ when }) => when).sort((a, b) => a - b));
    for (const { tag } of entries) expect(readFileSync(join(migrationsFolder, `${tag}.sql`), 'utf8')).not.toBe('');
  });
});
