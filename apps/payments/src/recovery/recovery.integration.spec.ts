import { fileURLToPath } from 'node:url';
import { uuidv7 } from '@countersign/audit-event';
import { startBackingServices, type BackingServices } from '@countersign/backing-services';
import { openDatabase, unattended } from '@countersign/service-host';
import type pg from 'pg';
import { pino } from 'pino';
import { migrate } from '../testing/migrate.js';
import { startProcess } from '../testing/payments-process.js';

describe('recovery', () => {
  let backing: BackingServices;
  let pool: pg.Pool;
  beforeAll(async () => {
    backing = await startBackingServices();
    const migrationsFolder = fileURLToPath(new URL('../../migrations', import.meta.url));
    const url = await backing.database('payments', migrate);
    pool = await openDatabase({ url, migrationsFolder }, pino({ level: 'silent' }));
  }, 120_000);
  afterAll(async () => {
    await pool.end();
    await backing.stop();
  }, 60_000);

  async function leave(id: string, dueAt: Date): Promise<void> {
    await pool.query(
      `insert into payment (id, status, transfer_id, from_account, to_account, amount, currency, reference, subject, client_id, actors, txn,
        order_until, attend_at, created_at, updated_at) values ($1, 'created', $1, $1, $1, 5, 'EUR', '', 's', 'c', '{}', 't', $2, $2, $2, $2)`,
      [id, dueAt],
    );
  }

  /** A process whose accounts shows one transfer, lists none, and refuses to show the others. */
  function start(clock: () => Date, shown?: string) {
    const token = { token: 'none', expiresAt: 4_000_000_000, scopes: [], tokenType: 'Bearer' } as const;
    const bodyOf = (url: string): readonly [number, object] => {
      if (shown !== undefined && url.endsWith(shown)) return [200, { status: 'posted', hold: null }];
      return url.includes('cursor=')
        ? [200, { transfers: [], next_cursor: null }]
        : [403, { code: 'SCOPE_MISSING', detail: 'No.' }];
    };
    return startProcess({
      pool,
      accountsUrl: 'http://accounts.test',
      tokens: {
        getToken: () => Promise.resolve(token),
        exchange: () => Promise.resolve(token),
        forget: () => false,
      },
      clock,
      transport: ({ url }) => {
        const [status, body] = bodyOf(url);
        return Promise.resolve({ status, body, headers: new Headers(), tooLarge: false });
      },
    });
  }

  it('reaches due payments behind any number that it can never finish', async () => {
    let now = new Date('2026-01-01T00:00:00Z');
    const first = new Date(now.getTime() - 60_000);
    const bad = Array.from({ length: 200 }, () => uuidv7());
    const good = uuidv7();
    for (const id of bad) await leave(id, first);
    await leave(good, new Date(first.getTime() + 1_000));
    const { recovery } = start(() => now, good);
    const failed: string[] = [];
    for (let sweep = 0; sweep < 2; sweep += 1) {
      await recovery.sweep((id) => failed.push(id));
      now = new Date(now.getTime() + 5_000);
    }
    expect(new Set(failed).size).toBe(bad.length);
    const { rows } = await pool.query('select status from payment where id = $1', [good]);
    expect(rows).toEqual([{ status: 'settled' }]);
  }, 60_000);

  it('continues immediately while a full sweep is due, but not while it can finish none of it', async () => {
    const now = new Date('2025-12-01T00:00:00Z');
    const due = Array.from({ length: 250 }, () => uuidv7());
    for (const id of due) await leave(id, new Date(now.getTime() - 60_000));
    const sweep = async (shown?: string) => (await start(() => now, shown).recovery.sweep(() => undefined)).isFull;
    expect(await sweep()).toBe(false);
    await pool.query('update payment set attend_at = $1, version = version + 1 where id = any($2::uuid[])', [now, due]);
    expect(await sweep('')).toBe(true);
    expect(await sweep('')).toBe(false);
    const { rows } = await pool.query(
      `select status, count(*)::int from payment where id = any($1::uuid[]) group by 1`,
      [due],
    );
    expect(rows).toEqual([{ status: 'settled', count: 250 }]);
  }, 60_000);

  it('ends with the service, as the comparison with accounts does, and leaves the rest to the next', async () => {
    const now = new Date('2026-02-01T00:00:00Z');
    const id = uuidv7();
    await leave(id, new Date(now.getTime() - 1_000));
    const { recovery, reconciliation } = start(() => now, id);
    const stopped = AbortSignal.abort();
    expect((await recovery.sweep(() => undefined, stopped)).checked).toBe(0);
    const author = { clientId: 'payments', traceparent: unattended().traceparent };
    const compared = reconciliation.run({ since: undefined, repair: false, signal: stopped }, author);
    await expect(compared).rejects.toMatchObject({ name: 'AbortError' });
    const { rows } = await pool.query('select status from payment where id = $1', [id]);
    expect(rows).toEqual([{ status: 'created' }]);
  });
});
