import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { startDatabases, testFolder } from '@countersign/backing-services';
import { sql } from 'drizzle-orm';
import type pg from 'pg';
import { pino } from 'pino';
import { z } from 'zod';
import { databaseFaultOf } from '../problems/database-fault.js';
import { openDatabase } from './database.module.js';
import { drizzleOn } from './drizzle-on-pool.js';
import { limitStatements } from './statement-limit.js';
import { inTransaction } from './transaction.js';

describe('a database that stops responding', () => {
  const directory = testFolder();
  const databases = startDatabases();
  const ways: Socket[] = [];
  const said: string[] = [];
  let url: string;
  let way: Server;
  let isCut = false;

  /** Takes what comes from both sides, and passes it on until the way is cut, which neither side notices. */
  beforeAll(async () => {
    mkdirSync(join(directory, 'meta'), { recursive: true });
    writeFileSync(join(directory, 'meta/_journal.json'), JSON.stringify({ dialect: 'postgresql', entries: [] }));
    const through = new URL(await databases.database('silent'));
    const port = Number(through.port);
    way = createServer((near) => {
      const far = connect(port, '127.0.0.1');
      ways.push(near, far);
      near.on('data', (chunk) => isCut || far.write(chunk));
      far.on('data', (chunk) => isCut || near.write(chunk));
      for (const end of [near, far]) end.on('error', () => undefined);
      near.on('close', () => far.destroy());
      far.on('close', () => near.destroy());
    });
    await new Promise<void>((done) => way.listen(0, '127.0.0.1', done));
    through.port = String((way.address() as AddressInfo).port);
    url = through.href;
  }, 120_000);
  afterAll(async () => {
    for (const socket of ways) socket.destroy();
    await new Promise((done) => way.close(done));
    await databases.stop();
    rmSync(directory, { recursive: true, force: true });
  }, 60_000);

  const open = (pipeline: boolean): Promise<pg.Pool> =>
    openDatabase(
      { url, migrationsFolder: directory, statementTimeoutMs: 500, max: 4, pipeline },
      pino({ level: 'warn' }, { write: (line: string) => said.push(line) }),
    );

  it.each([false, true])(
    'is given up a few seconds after the time of a statement, and asked again as soon as it answers (pipelined: %s)',
    async (pipeline) => {
      const pool = await open(pipeline);
      const cut = <Result>(result: Result): Result => {
        isCut = true;
        return result;
      };
      const database = drizzleOn(pool);
      await Promise.all([pool.query('select 1'), pool.query('select 1'), pool.query('select 1')]);
      said.splice(0);
      const asked = [
        inTransaction(pool, async (client) => {
          await client.query('select 1').then(cut);
          await client.query('select 2');
        }),
        database.transaction(async (transaction) => {
          await transaction.execute(sql`select 1`).then(cut);
          await transaction.execute(sql`select 2`);
        }),
        pool.query('select pg_sleep(0.2)'),
      ];
      const faults = await Promise.all(asked.map((one) => one.then(() => undefined, databaseFaultOf)));
      expect(faults).toEqual(['away', 'away', 'away']);
      expect(pool.totalCount).toBe(0);
      // Once for each: the rollback that follows does not wait again.
      expect(said.map((line) => z.object({ err: z.object({ code: z.string() }) }).parse(JSON.parse(line)).err)).toEqual(
        Array.from({ length: 3 }, () => expect.objectContaining({ code: 'ETIMEDOUT' })),
      );
      isCut = false;
      expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
      await pool.end();
    },
    60_000,
  );

  it('is waited for as long as a transaction says, and no longer than the transaction', async () => {
    const pool = await open(false);
    const slow = 'select pg_sleep(6)';
    expect(
      await inTransaction(pool, async (client) => {
        await limitStatements(client, 0);
        return (await client.query(slow)).rowCount;
      }),
    ).toBe(1);
    await expect(pool.query(slow)).rejects.toThrow('statement timeout');
    await pool.end();
  }, 60_000);
});
