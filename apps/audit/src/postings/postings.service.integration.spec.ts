import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { startBackingServices, type BackingServices } from '@countersign/backing-services';
import { Background, HealthRegistry } from '@countersign/service-host';
import type pg from 'pg';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { IntakeLoad } from '../intake/intake-load.service.js';
import { appendRows, openAuditDatabase } from '../testing/log-of-rows.js';
import { PostingsService } from './postings.service.js';
import { PostingsStore } from './postings.store.js';

const layout = { segmentSize: 64, stepSize: 16 };

/** Milliseconds in which the index surely looks several times. */
const LOOKS_MS = 1_500;

describe('the search index, kept close behind the log', () => {
  let backing: BackingServices;
  let pool: pg.Pool;
  let store: PostingsStore;
  let background: Background;
  const load = new IntakeLoad();

  const through = async (): Promise<number> => Number((await store.prepare([])).through);
  async function eventually(wanted: number): Promise<number> {
    for (const deadline = Date.now() + 10_000; Date.now() < deadline && (await through()) < wanted; await delay(20));
    return through();
  }

  beforeAll(async () => {
    backing = await startBackingServices();
    pool = await openAuditDatabase(backing);
    store = new PostingsStore(pool, layout);
    background = new Background(pino({ level: 'silent' }), new HealthRegistry(), () => new Date());
    new PostingsService(store, load, new Registry(), background);
  }, 120_000);
  afterAll(async () => {
    await background.beforeApplicationShutdown();
    await Promise.allSettled([pool.end(), backing.stop()]);
  }, 60_000);

  it('pauses while intake is behind, still indexes a whole segment, and catches up once intake has', async () => {
    load.filled();
    const filling = setInterval(() => {
      load.filled();
    }, 50);
    try {
      await appendRows(pool, 40);
      background.onApplicationBootstrap();
      await delay(LOOKS_MS);
      expect(await through()).toBe(0);
      await appendRows(pool, 60);
      expect(await eventually(64)).toBe(64);
      await delay(LOOKS_MS);
      expect(await through()).toBe(64);
    } finally {
      clearInterval(filling);
    }
    expect(await eventually(96)).toBe(96);
  }, 60_000);

  it('finds by API key even events indexed before it knew about keys', async () => {
    const earlier = await openAuditDatabase(backing, 'audit_before_keys');
    try {
      const index = new PostingsStore(earlier);
      await appendRows(earlier, 19_000, 7);
      while ((await index.advance()) > 0);
      const terms = `from posting where term = any(array(select term_of('api_key', 'k-' || n) from generate_series(0, 6) as n))`;
      const all = async () => (await earlier.query(`select * ${terms} order by term, segment`)).rows;
      const made = await all();
      expect(made.length).toBe(14);
      await earlier.query(`delete ${terms}`);
      await earlier.query(readFileSync(new URL('../../migrations/0011_api_keys.sql', import.meta.url), 'utf8'));
      expect(await all()).toEqual(made);
    } finally {
      await earlier.end();
    }
  }, 60_000);

  it('finishes a step however long it takes: large events would otherwise stop it permanently', async () => {
    const hurried = await openAuditDatabase(backing, 'audit_hurried');
    await appendRows(hurried, 64);
    const other = await hurried.connect();
    hurried.on('acquire', (client) => void client.query('set statement_timeout = 100'));
    try {
      await other.query('begin');
      await other.query('lock table posting in share mode');
      const step = new PostingsStore(hurried, layout).advance();
      await Promise.race([step, delay(300)]);
      await other.query('commit');
      expect(await step).toBe(64);
    } finally {
      other.release();
      await hurried.end();
    }
  });
});
