import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Module } from '@nestjs/common';
import { startDatabases } from '@countersign/backing-services';
import { pino } from 'pino';
import type pg from 'pg';
import { hostVariables } from '../configuration.js';
import { DatabaseModule, openDatabase } from '../database/database.module.js';
import { loadConfiguration } from '../load-configuration.js';
import { createService } from '../start/start-service.js';
import { AuditTrailModule } from '../trail/audit-trail.module.js';
import { PostgresDpopReplayStore } from './dpop-replay.store.js';
import { ServiceAuthModule } from './service-auth.module.js';

describe('the replay store in PostgreSQL', () => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-dpop-'));
  const databases = startDatabases();
  const migrationsFolder = join(directory, 'migrations');
  let url: string;
  let pools: readonly pg.Pool[];

  beforeAll(async () => {
    url = await databases.database('replays');
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

  it('accepts a proof once across all replicas, whichever gets it first', async () => {
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
    await store.prune();
    expect(await store.useOnce(idOf(3), now / 1_000)).toBe(false);
    // Too old by this clock, but not yet by that of a replica which is behind.
    now += 6_000;
    await store.prune();
    expect(await store.useOnce(idOf(3), now / 1_000)).toBe(false);
    now += 25_000;
    await store.useOnce(idOf(4), now / 1_000 + 60);
    await store.prune();
    const { rows } = await pool.query<{ id: string }>('select id from dpop_proof where id = $1', [idOf(3)]);
    expect(rows).toEqual([]);
  });

  it('forgets in one call all proofs that are too old, and in a call that is stopped a part of them', async () => {
    const [pool] = pools;
    if (pool === undefined) throw new Error('no pool');
    await pool.query(`
      insert into dpop_proof (id, expires_at)
      select lpad(n::text, 43, 'o'), now() - interval '1 minute' from generate_series(1, 20001) n`);
    const store = new PostgresDpopReplayStore(pool);
    expect(await store.prune(AbortSignal.abort())).toBe(10_000);
    expect(await store.prune()).toBe(10_001);
  });

  it('is pruned in the background by a service, which notes it in readiness', async () => {
    const [pool] = pools;
    if (pool === undefined) throw new Error('no pool');
    const [old, valid] = [idOf(6), idOf(7)];
    await pool.query(
      `insert into dpop_proof (id, expires_at) values ($1, now() - interval '1 minute'), ($2, now() + interval '1 hour')`,
      [old, valid],
    );
    @Module({
      imports: [
        ServiceAuthModule.forRoot({ issuer: 'http://127.0.0.1:1', audience: 'orders' }),
        DatabaseModule.forRoot({ url, migrationsFolder }),
        AuditTrailModule.forRoot({ source: 'orders', nats: { url: 'nats://127.0.0.1:1' } }),
      ],
    })
    class OrdersModule {}
    const configuration = loadConfiguration(hostVariables, { PORT: '0', LOG_LEVEL: 'silent' });
    const app = await createService({ name: 'orders', configuration, module: OrdersModule });
    try {
      const ready = async () => (await app.inject({ method: 'GET', url: '/health/ready' })).body;
      for (const deadline = performance.now() + 25_000; performance.now() < deadline; await delay(20))
        if (!(await ready()).includes('"used_proofs":{"last_run_at":null')) break;
      expect(await ready()).toMatch(/"used_proofs":\{"last_run_at":"[^"]+","last_error":null\}/);
    } finally {
      await app.close();
    }
    const { rows } = await pool.query<{ id: string }>('select id from dpop_proof where id in ($1, $2)', [old, valid]);
    expect(rows).toEqual([{ id: valid }]);
  }, 60_000);

  it('lets nobody in when the database cannot remember', async () => {
    const [, , away] = [...pools, await openAndEnd()];
    if (away === undefined) throw new Error('no pool');
    await expect(new PostgresDpopReplayStore(away).useOnce(idOf(5), 1)).rejects.toThrow();
  });

  async function openAndEnd(): Promise<pg.Pool> {
    const ended = await databases.database('ended');
    const pool = await openDatabase({ url: ended, migrationsFolder }, pino({ level: 'silent' }));
    await pool.end();
    return pool;
  }
});
