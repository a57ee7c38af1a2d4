import { fileURLToPath } from 'node:url';
import { ReportRefused } from '@countersign/auth-core';
import { startBackingServices, type BackingServices } from '@countersign/backing-services';
import type pg from 'pg';
import { pino } from 'pino';
import { BODY_LIMIT } from '../start/start-service.js';
import { PostgresLimitStore } from './api-key-limits.store.js';
import { ApiKeyReports } from './api-key-reports.store.js';
import { openDatabase } from '../database/database.module.js';

/** A service that takes keys. */
const migrationsFolder = fileURLToPath(new URL('../../../../apps/payments/migrations', import.meta.url));
const limit = { perMinute: 60, burst: 40, perDay: 100 };

describe('what the replicas of a service share of API keys', () => {
  let backing: BackingServices;
  let pool: pg.Pool;

  beforeAll(async () => {
    backing = await startBackingServices();
    const url = await backing.database('payments');
    pool = await openDatabase({ url, migrationsFolder }, pino({ level: 'silent' }));
  }, 120_000);
  afterAll(async () => {
    await pool.end();
    await backing.stop();
  }, 60_000);

  /** A pool whose next statements fail before or after they are committed. */
  function losingAnswers() {
    const fault: { now?: 'before' | 'after' | undefined } = {};
    const failing = new Proxy(pool, {
      get: (target, name) =>
        name === 'query'
          ? async (text: string, values: unknown[]) => {
              if (fault.now === 'before') throw new Error('Connection terminated');
              const answer = await target.query(text, values);
              if (fault.now === 'after') throw new Error('Connection terminated');
              return answer;
            }
          : target.connect.bind(target),
    });
    return { failing, fault };
  }

  it('is leased once, however many replicas ask at the same moment for however many keys', async () => {
    const replicas = Array.from({ length: 4 }, () => new PostgresLimitStore(pool));
    const asked = ['one', 'two', 'three'].map((bucket) => ({ bucket, limit, used: 0, wanted: 40 }));
    const answers = await Promise.all(
      replicas.map((store, n) => store.lease(n % 2 === 0 ? asked : asked.toReversed())),
    );
    for (const [place] of asked.entries()) {
      const granted = answers.map((answer, n) => answer[n % 2 === 0 ? place : asked.length - 1 - place]?.granted ?? 0);
      const sum = granted.reduce((total, count) => total + count, 0);
      expect(sum).toBeGreaterThan(0);
      expect(sum).toBeLessThanOrEqual(41);
    }
  });

  it('is returned when unused, and counts as used when its replica does not report', async () => {
    const [first, second] = [new PostgresLimitStore(pool), new PostgresLimitStore(pool)];
    const ask = async (store: PostgresLimitStore, used: number, wanted: number) =>
      (await store.lease([{ bucket: 'four', limit, used, wanted }]))[0];
    const lease = await ask(first, 0, 40);
    expect(lease?.granted).toBe(20);
    const after = await ask(first, 5, 0);
    expect(after?.remaining).toBeGreaterThanOrEqual(35);
    expect(after?.remaining).toBeLessThanOrEqual(36);
    expect((await ask(second, 0, 1))?.granted).toBe(1);
  });

  it('is forgotten once nobody has used it for longer than a month', async () => {
    await pool.query(
      `insert into api_key_bucket (name, changed_at)
       select 'unused-' || days, clock_timestamp() - make_interval(days => days) from unnest('{39, 41, 400}'::int[]) as days`,
    );
    await new PostgresLimitStore(pool).prune();
    const { rows } = await pool.query(`select name from api_key_bucket where name like 'unused-%'`);
    expect(rows).toEqual([{ name: 'unused-39' }]);
  });

  it('is reported once it is committed, by one replica at a time, and again when it did not arrive', async () => {
    const reports = new ApiKeyReports(pool);
    const use = { api_key_id: 'a', hour: '2026-11-26T12:00:00.000Z', route_class: 'read', outcome: 'allowed' as const };
    await reports.keep({ uses: [{ ...use, count: 2 }], networks: [] });
    await reports.keep({ uses: [{ ...use, count: 3 }], networks: [] });
    await expect(reports.send(() => Promise.reject(new Error('away')))).rejects.toThrow('away');
    const sent: number[] = [];
    const take = () =>
      reports.send((kept) => {
        sent.push(...kept.flatMap(({ uses }) => uses.map(({ count }) => count)));
        return Promise.resolve();
      });
    await Promise.all([take(), take()]);
    await take();
    expect(sent.sort()).toEqual([2, 3]);
  });

  it('is set aside when the issuer refuses its content, and delays nothing that follows', async () => {
    const reports = new ApiKeyReports(pool, { reports: 1_000, untouched: 0, refused: 2 });
    const use = { api_key_id: 'a', hour: '2026-11-26T12:00:00.000Z', route_class: 'read', outcome: 'allowed' as const };
    for (const count of [1, 2, 3, 4, 5]) await reports.keep({ uses: [{ ...use, count }], networks: [] });
    await expect(reports.send(() => Promise.reject(new Error('away')))).rejects.toThrow('away');
    expect(await reports.refused()).toEqual({ count: 0, status: null });
    const taken: number[] = [];
    const sendAll = async () => {
      const send = () =>
        reports.send((kept) => {
          const counts = kept.flatMap(({ uses }) => uses.map(({ count }) => count));
          // As the issuer does: all of a request or nothing.
          if (counts.includes(2) || counts.includes(4)) return Promise.reject(new ReportRefused(400));
          taken.push(...counts);
          return Promise.resolve();
        });
      while ((await send()) > 0);
    };
    await sendAll();
    expect(taken).toEqual([1, 3, 5]);
    expect([await reports.waiting(), await reports.refused()]).toEqual([0, { count: 2, status: 400 }]);
    await reports.keep({ uses: [{ ...use, count: 6 }], networks: [] });
    await reports.keep({ uses: [{ ...use, count: 7 }], networks: [] });
    await sendAll();
    expect(taken).toEqual([1, 3, 5, 6, 7]);
    for (const count of [4, 8]) await reports.keep({ uses: [{ ...use, count }], networks: [] });
    await sendAll();
    expect(taken.at(-1)).toBe(8);
    expect([await reports.waiting(), await reports.refused()]).toEqual([0, { count: 2, status: 400 }]);
    await pool.query(`update api_key_report_refused set refused_at = refused_at - interval '31 days'`);
    await reports.prune();
    expect(await reports.refused()).toEqual({ count: 0, status: null });
  });

  it('is counted once if the answer to its commit is lost, whether or not it was committed, and however late that shows', async () => {
    const use = { api_key_id: 'b', hour: '2026-11-26T12:00:00.000Z', route_class: 'read', outcome: 'allowed' as const };
    const report = (count: number) => ({ uses: [{ ...use, count }], networks: [] });
    const { failing, fault } = losingAnswers();
    const reports = new ApiKeyReports(failing);
    const counted = new Map<string, number>();
    const send = () =>
      reports.send((kept) => {
        // As the issuer counts: by the report's id.
        for (const { id, uses } of kept) counted.set(id, uses[0]?.count ?? 0);
        return Promise.resolve();
      });
    for (const now of ['before', 'after'] as const) {
      fault.now = now;
      await reports.keep(report(1));
      expect(reports.lastError).not.toBeNull();
      // What is returned is counted with what comes.
      await expect(reports.keep(report(1))).rejects.toThrow('Connection terminated');
      // Another replica sends and forgets it before this one knows that it was committed.
      await new ApiKeyReports(pool).send((kept) => {
        for (const { id, uses } of kept) counted.set(id, uses[0]?.count ?? 0);
        return Promise.resolve();
      });
      fault.now = undefined;
      await reports.keep(report(1));
      expect(reports.lastError).toBeNull();
    }
    fault.now = 'after';
    await reports.keep(report(1));
    fault.now = undefined;
    await send();
    expect(reports.lastError).toBeNull();
    expect([...counted.values()]).toEqual([1, 1, 1, 1, 1]);
    expect(await reports.waiting()).toBe(0);
  });

  it('is counted once if the answer to its commit is lost and it is merged, or sent and merged, before that shows', async () => {
    await pool.query('delete from api_key_report');
    const use = { api_key_id: 'c', hour: '2026-11-26T12:00:00.000Z', route_class: 'read', outcome: 'allowed' as const };
    const { failing, fault } = losingAnswers();
    const limits = { reports: 1_000, untouched: 0, refused: 10 };
    const [reports, other] = [new ApiKeyReports(failing, limits), new ApiKeyReports(pool, limits)];
    const keepInOther = async (times: number) => {
      for (let n = 0; n < times; n += 1) await other.keep({ uses: [{ ...use, count: 1 }], networks: [] });
    };
    const counted = new Map<string, number>();
    const sendAll = async () => {
      const once = () =>
        other.send((kept) => {
          for (const { id, uses } of kept) counted.set(id, uses[0]?.count ?? 0);
          return Promise.resolve();
        });
      while ((await once()) > 0);
    };
    for (const isSent of [false, true]) {
      fault.now = 'after';
      await reports.keep({ uses: [{ ...use, count: 1_000 }], networks: [] });
      if (isSent) await sendAll();
      await keepInOther(199);
      if (!isSent) expect(await other.merge()).toBe(199);
      fault.now = undefined;
      await reports.keep({ uses: [{ ...use, count: 10_000 }], networks: [] });
      if (isSent) expect(await other.merge()).toBe(199);
      expect(reports.lastError).toBeNull();
      await sendAll();
    }
    expect([...counted.values()].reduce((sum, count) => sum + count, 0)).toBe(2 * (1_000 + 10_000 + 199));
  });

  it('is reported in requests that the issuer accepts, however much is waiting', async () => {
    const reports = new ApiKeyReports(pool);
    const uses = Array.from({ length: 200 }, (_, n) => ({
      api_key_id: `01a21031-6897-71c1-8114-${String(n).padStart(12, '0')}`,
      hour: '2026-11-26T12:00:00.000Z',
      route_class: 'a'.repeat(32),
      outcome: 'allowed' as const,
      count: 1_000_000,
    }));
    for (let n = 0; n < 5; n += 1) await reports.keep({ uses, networks: [] });
    const sizes: number[] = [];
    const send = () =>
      reports.send((kept) => {
        sizes.push(JSON.stringify({ reports: kept }).length);
        return Promise.resolve();
      });
    while ((await send()) > 0);
    expect(sizes).toHaveLength(5);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(BODY_LIMIT);
  });

  it('takes little space however long the issuer is unavailable, loses nothing, and is bounded', async () => {
    await pool.query('delete from api_key_report');
    const reports = new ApiKeyReports(pool, { reports: 450, untouched: 40, refused: 10 });
    const use = { hour: '2026-11-26T12:00:00.000Z', route_class: 'read', outcome: 'allowed' as const, count: 1 };
    const keep = async (times: number) => {
      for (let n = 0; n < times; n += 1)
        await reports.keep({
          uses: [{ ...use, api_key_id: `key ${String(n % 7)}` }],
          networks: [{ api_key_id: `key ${String(n % 7)}`, network: `192.0.2.${String(n % 5)}` }],
        });
    };
    await keep(450);
    await expect(keep(1)).rejects.toThrow('450 reports are already waiting');
    expect([await reports.waiting(), reports.lastError]).toEqual([
      450,
      '450 reports are already waiting for the issuer',
    ]);
    const { rows: oldest } = await pool.query<{ id: string }>(
      'select id from api_key_report order by kept_at, id limit 40',
    );
    await Promise.all([reports.merge(), reports.merge()]);
    while ((await reports.merge()) > 0);
    expect(await reports.waiting()).toBeLessThan(250);
    await keep(50);
    expect(reports.lastError).toBeNull();
    const sent: { readonly id: string; readonly uses: readonly { readonly count: number }[] }[] = [];
    while ((await reports.send((kept) => Promise.resolve(void sent.push(...kept)))) > 0);
    expect(sent.slice(0, 40).map(({ id }) => id)).toEqual(oldest.map(({ id }) => id));
    expect(sent.flatMap(({ uses }) => uses).reduce((sum, { count }) => sum + count, 0)).toBe(500);
  });

  it('is stored in the order in which it was counted, even if nobody awaits the previous one, and old reporters are deleted', async () => {
    const reports = new ApiKeyReports(pool);
    const use = { api_key_id: 'd', hour: '2026-11-26T12:00:00.000Z', route_class: 'read', outcome: 'allowed' as const };
    await Promise.all([1, 2, 3].map((count) => reports.keep({ uses: [{ ...use, count }], networks: [] })));
    const sent: number[] = [];
    await reports.send((kept) => Promise.resolve(void sent.push(...kept.map(({ uses }) => uses[0]?.count ?? 0))));
    expect(sent).toEqual([1, 2, 3]);
    await pool.query(`update api_key_reporter set kept_at = kept_at - interval '31 days'`);
    await reports.keep({ uses: [{ ...use, count: 4 }], networks: [] });
    await reports.prune();
    const { rowCount } = await pool.query('select from api_key_reporter');
    expect(rowCount).toBe(1);
  });
});
