import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newPassword, startPostgres, testFolder, type Postgres } from '@countersign/backing-services';
import { sql } from 'drizzle-orm';
import type pg from 'pg';
import { pino } from 'pino';
import { withAdvisoryLock } from './advisory-lock.js';
import { openDatabase } from './database.module.js';
import { drizzleOn } from './drizzle-on-pool.js';
import { inTransaction } from './transaction.js';

describe('the database of a service', () => {
  const directory = testFolder();
  let postgres: Postgres;
  beforeAll(async () => {
    postgres = await startPostgres({ directory, password: newPassword(), fast: true });
  }, 60_000);
  afterAll(async () => {
    await postgres.stop();
    for (const folder of [directory, postgres.directory]) rmSync(folder, { recursive: true, force: true });
  }, 30_000);

  async function openEmpty(name: string, max: number): Promise<pg.Pool> {
    const url = await postgres.createDatabase(name, newPassword());
    const migrationsFolder = join(directory, 'migrations');
    mkdirSync(join(migrationsFolder, 'meta'), { recursive: true });
    writeFileSync(join(migrationsFolder, 'meta/_journal.json'), JSON.stringify({ dialect: 'postgresql', entries: [] }));
    return openDatabase({ url, migrationsFolder, max }, pino({ level: 'silent' }));
  }

  it('may restart while its connections are lent out: their queries fail, the process lives, and the next ones succeed', async () => {
    const pool = await openEmpty('restarting', 3);
    const [waiting, idle] = await Promise.all([pool.connect(), pool.connect()]);
    const query = waiting.query('select pg_sleep(30)').then(
      () => 'answered',
      () => 'failed',
    );
    await postgres.restart();
    expect(await query).toBe('failed');
    await expect(idle.query('select 1')).rejects.toThrow();
    for (const client of [waiting, idle]) client.release(true);
    expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    await pool.end();
  }, 60_000);

  it('commits a transaction only if its work succeeds and its result is to be kept', async () => {
    const pool = await openEmpty('transactions', 1);
    await pool.query('create table done (name text)');
    const note = (name: string) => (client: pg.PoolClient) => client.query('insert into done values ($1)', [name]);
    const failing = async (client: pg.PoolClient): Promise<void> => {
      await note('failed')(client);
      throw new Error('the work failed');
    };
    const killed = (client: pg.PoolClient) => client.query('select pg_terminate_backend(pg_backend_pid())');

    expect((await inTransaction(pool, note('kept'))).rowCount).toBe(1);
    expect((await inTransaction(pool, note('dropped'), () => false)).rowCount).toBe(1);
    await expect(inTransaction(pool, failing)).rejects.toThrow('the work failed');
    // The only connection is lost, so the pool makes another.
    await expect(inTransaction(pool, killed)).rejects.toThrow();
    expect((await pool.query('select name from done')).rows).toEqual([{ name: 'kept' }]);
    await pool.end();
  }, 60_000);

  it('recovers every connection, even one that was lost as its transaction began', async () => {
    const pool = await openEmpty('lost', 1);
    const database = drizzleOn(pool);
    const one = () => database.transaction((transaction) => transaction.execute(sql`select 1 as one`));
    pool.once('acquire', (client) => {
      client.query('select pg_terminate_backend(pg_backend_pid())').catch(() => undefined);
    });
    await expect(one()).rejects.toThrow();
    expect((await one()).rows).toEqual([{ one: 1 }]);
    await expect(database.transaction((transaction) => transaction.execute(sql`select wrong`))).rejects.toThrow();
    expect((await one()).rows).toEqual([{ one: 1 }]);
    await pool.end();
  }, 60_000);

  it('has a lock that is free again as soon as its work has failed, whatever state that left', async () => {
    const pool = await openEmpty('locks', 4);
    const held = () => withAdvisoryLock(pool, 'countersign.test', () => Promise.resolve('held'));
    for (let round = 0; round < 30; round += 1) {
      // Connections stand ready, so that the second is as quick as it can be.
      await Promise.all(Array.from({ length: 4 }, () => pool.query('select 1')));
      const failing = withAdvisoryLock(pool, 'countersign.test', async (client) => {
        if (round % 2 === 0) await client.query('begin');
        await client.query(round % 3 === 0 ? 'select 1' : 'select wrong');
        throw new Error('the work failed');
      });
      await expect(failing).rejects.toThrow();
      expect(await held()).toBe('held');
    }
    await pool.end();
  }, 60_000);
});
