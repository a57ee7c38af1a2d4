import { fileURLToPath } from 'node:url';
import { startBackingServices, type BackingServices } from '@countersign/backing-services';
import { openDatabase } from '@countersign/service-host';
import { getTableConfig, type PgTable } from 'drizzle-orm/pg-core';
import type pg from 'pg';
import { pino } from 'pino';
import { idempotencyKeyTable } from './idempotency/idempotency.tables.js';
import { paymentTable } from './payments/payments.tables.js';
import { refundTable } from './refunds/refunds.tables.js';
import { webhookDeliveryTable, webhookEndpointTable } from './webhooks/webhooks.tables.js';

describe('the migrations of payments', () => {
  let backing: BackingServices;
  let pool: pg.Pool;
  beforeAll(async () => {
    backing = await startBackingServices();
    const migrationsFolder = fileURLToPath(new URL('../migrations', import.meta.url));
    pool = await openDatabase({ url: await backing.database('payments'), migrationsFolder }, pino({ level: 'silent' }));
  }, 120_000);
  afterAll(async () => {
    await pool.end();
    await backing.stop();
  }, 60_000);

  const tables: readonly PgTable[] = [
    paymentTable,
    refundTable,
    idempotencyKeyTable,
    webhookEndpointTable,
    webhookDeliveryTable,
  ];

  it('create exactly the columns that the code knows', async () => {
    for (const table of tables) {
      const { name, columns } = getTableConfig(table);
      const { rows } = await pool.query<{ name: string; type: string; required: boolean }>(
        `select a.attname as name, format_type(a.atttypid, a.atttypmod) as type, a.attnotnull as required
         from pg_attribute a where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped`,
        [name],
      );
      const made = rows.map(({ name: column, type, required }) => [
        column,
        type.replace('character(', 'char('),
        required,
      ]);
      const known = columns.map((column) => [column.name, column.getSQLType(), column.notNull || column.primary]);
      expect({ name, columns: made.sort() }).toEqual({ name, columns: known.sort() });
    }
  });

  it("enforce a payment's transitions and sums, whatever the code does", async () => {
    const id = '01900000-0000-7000-8000-000000000001';
    await pool.query(
      `insert into payment (id, status, transfer_id, from_account, to_account, amount, currency, reference, subject, client_id, actors,
        txn, created_at, updated_at) values ($1, 'created', $1, $1, $1, 100, 'EUR', '', 's', 'c', '{}', 't', now(), now())`,
      [id],
    );
    const change = (set: string) => pool.query(`update payment set version = version + 1, ${set} where id = $1`, [id]);
    await expect(change(`status = 'refunded'`)).rejects.toThrow(/a created payment cannot become refunded/);
    await expect(change(`status = 'settled', captured = 101`)).rejects.toThrow(/payment_sums_check/);
    await change(`status = 'settled', captured = 100`);
    await expect(change(`refunded = 60, refunding = 50`)).rejects.toThrow(/payment_sums_check/);
    await expect(change(`status = 'created'`)).rejects.toThrow(/cannot become created/);
  });

  it('keep a replica of the previous version working: what it settles has its sum and its version', async () => {
    const id = '01900000-0000-7000-8000-000000000002';
    await pool.query(
      `insert into payment (id, status, transfer_id, from_account, to_account, amount, currency, reference, subject, client_id, actors,
        txn, created_at, updated_at) values ($1, 'created', $1, $1, $1, 100, 'EUR', '', 's', 'c', '{}', 't', now(), now())`,
      [id],
    );
    await pool.query(`update payment set status = 'settled', failure = null, updated_at = now() where id = $1`, [id]);
    const { rows } = await pool.query('select captured, version, attend_at from payment where id = $1', [id]);
    expect(rows).toEqual([{ captured: '100', version: 2, attend_at: null }]);
  });

  it('assign what a replica of the previous version stores: its keys to the payment’s subject, its webhooks to the client', async () => {
    const id = '01900000-0000-7000-8000-000000000003';
    await pool.query(
      `with p0 as (insert into payment (id, status, transfer_id, from_account, to_account, amount, currency, reference, subject, client_id,
          actors, txn, created_at, updated_at) values ($1, 'created', $1, $1, $1, 100, 'EUR', '', 'alice', 'shop', '{}', 't', now(), now())),
        p1 as (insert into idempotency_key (client_id, key, fingerprint, resource_id, lease_until, created_at)
          values ('shop', 'k', 'f', $1, now(), now())) select 1`,
      [id],
    );
    const keys = await pool.query(`select subject from idempotency_key where client_id = 'shop'`);
    expect(keys.rows).toEqual([{ subject: 'alice' }]);
    const again = `insert into idempotency_key (client_id, key, fingerprint, resource_id, lease_until, created_at)
      values ('shop', 'k', 'f', $1, now(), now())`;
    await expect(pool.query(again, [id])).rejects.toThrow(/idempotency_key_pkey/);
    for (const last of ['4', '5']) {
      await pool.query(
        `insert into webhook_endpoint (id, client_id, url, types, status, created_at, updated_at)
          values ($1, 'shop', 'https://shop.example/', '{}', 'active', now(), now())`,
        [`01900000-0000-7000-8000-00000000000${last}`],
      );
    }
    const endpoints = await pool.query(`select subject, reach, slot from webhook_endpoint order by slot`);
    expect(endpoints.rows).toEqual([1, 2].map((slot) => ({ subject: 'shop', reach: 'subject', slot })));
  });
});
