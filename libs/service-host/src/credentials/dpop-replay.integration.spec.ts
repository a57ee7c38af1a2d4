import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDatabases } from '@countersign/backing-services';
import { pino } from 'pino';
import type pg from 'pg';
import { openDatabase } from '../database/database.js';
import { PostgresDpopReplayStore } from './dpop-replay.store.js';

describe('the replay store in PostgreSQL', () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-dpop-'));
  const databases = startDatabases();
  let pools: readonly pg.Pool[];

  beforeAll(async () => {
    const url = await databases.database('replays');
    const migrationsFolder = join(directory, 'migrations');
    mkdirSync(join(migrationsFolder, 'meta'), { recursive: true });
    writeFileSync(
      join(migrationsFolder, 'meta/_journal.json'),
      JSON.stringify({ version: '7', dialect: 'postgresql', entries: [] }),
    );
    const open = () => openDatabase({ url, migrationsFolder }, pino({ level: 'silent' }));
    pools = await Promise.all([open(), open()]);
  }, 120_000);
  afterAll(async () => {
    await Promise.all(pools.map((pool) => pool.end()));
    await databases.stop();
    rmSync(directory, { recursive: true, force: true });
  }, 60_000);

  const idOf = (seed: number): string => String(seed).padStart(43, 'x');

  it('lets a proof through once at all replicas together, whichever comes first', async () => {
    const replicas = pools.map((pool) => new PostgresDpopReplayStore(pool));
    const soon = Date.now() / 1_000 + 60;
    const tries = Array.from({ length: 20 }, (_, index) => replicas[index % 2]?.useOnce(idOf(1), soon));
    expect((await Promise.all(tries)).filter((first) => first === true)).toHaveLength(1);
    expect(await replicas[0]?.useOnce(idOf(2), soon)).toBe(true);
  });

  it('forgets a proof only once it is too old anyway', async () => {
    const [pool] = pools;
    if (pool === undefined) throw new Error('no pool');
    let now = Date.now();
    const store = new PostgresDpopReplayStore(pool, () => now);
    await store.useOnce(idOf(3), now / 1_000 + 60);
    now += 59_000;
    expect(await store.useOnce(idOf(3), now / 1_000)).toBe(false);
    now += 31_000;
    await store.useOnce(idOf(4), now / 1_000 + 60);
    const { rows } = await pool.query<{ id: string }>('select id from dpop_proof where id = $1', [idOf(3)]);
    expect(rows).toEqual([]);
  });

  it('lets nobody in when the database cannot remember', async () => {
    const [, , away] = [...pools, await openAndEnd()];
    if (away === undefined) throw new Error('no pool');
    await expect(new PostgresDpopReplayStore(away).useOnce(idOf(5), 1)).rejects.toThrow();
  });

  async function openAndEnd(): Promise<pg.Pool> {
    const url = await databases.database('ended');
    const pool = await openDatabase(
      { url, migrationsFolder: join(directory, 'migrations') },
      pino({ level: 'silent' }),
    );
    await pool.end();
    return pool;
  }
});
