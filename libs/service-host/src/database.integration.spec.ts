import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newPassword, startPostgres, type Postgres } from '@countersign/backing-services';
import { pino } from 'pino';
import { openDatabase } from './database.js';

describe('the database of a service', () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-database-'));
  let postgres: Postgres;
  beforeAll(async () => {
    postgres = await startPostgres({ directory, password: newPassword(), fast: true });
  }, 60_000);
  afterAll(async () => {
    await postgres.stop();
    for (const folder of [directory, postgres.directory]) rmSync(folder, { recursive: true, force: true });
  }, 30_000);

  it('may restart while its connections are lent out: their queries fail, the process lives, and the next ones succeed', async () => {
    const url = await postgres.createDatabase('restarting', newPassword());
    const migrationsFolder = join(directory, 'migrations');
    mkdirSync(join(migrationsFolder, 'meta'), { recursive: true });
    writeFileSync(join(migrationsFolder, 'meta/_journal.json'), JSON.stringify({ dialect: 'postgresql', entries: [] }));
    const pool = await openDatabase({ url, migrationsFolder, max: 3 }, pino({ level: 'silent' }));
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
});
