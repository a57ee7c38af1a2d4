import { fileURLToPath } from 'node:url';
import { uuidv7 } from '@countersign/audit-event';
import { startBackingServices, type BackingServices } from '@countersign/backing-services';
import { openDatabase } from '@countersign/service-host';
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

  it('comes to what is due behind any number of payments that it can never finish', async () => {
    let now = new Date('2026-01-01T00:00:00Z');
    const first = new Date(now.getTime() - 60_000);
    const bad = Array.from({ length: 200 }, () => uuidv7());
    const good = uuidv7();
    for (const id of bad) await leave(id, first);
    await leave(good, new Date(first.getTime() + 1_000));
    const token = { token: 'none', expiresAt: 4_000_000_000, scopes: [], tokenType: 'Bearer' } as const;
    const { recovery } = startProcess({
      pool,
      accountsUrl: 'http://accounts.test',
      tokens: {
        getToken: () => Promise.resolve(token),
        exchange: () => Promise.resolve(token),
        forget: () => false,
      },
      clock: () => now,
      // Accounts shows one transfer, and refuses to show the others.
      transport: ({ url }) => {
        const answer = url.endsWith(good)
          ? { status: 200, body: { status: 'posted', hold: null } }
          : { status: 403, body: { code: 'SCOPE_MISSING', detail: 'No.' } };
        return Promise.resolve({ ...answer, headers: new Headers(), tooLarge: false });
      },
    });
    const failed: string[] = [];
    for (let sweep = 0; sweep < 2; sweep += 1) {
      await recovery.sweep((id) => failed.push(id));
      now = new Date(now.getTime() + 5_000);
    }
    expect(new Set(failed).size).toBe(bad.length);
    const { rows } = await pool.query('select status from payment where id = $1', [good]);
    expect(rows).toEqual([{ status: 'settled' }]);
  }, 60_000);
});
