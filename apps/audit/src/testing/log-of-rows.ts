import { fileURLToPath } from 'node:url';
import { type BackingServices } from '@countersign/backing-services';
import { limitStatements, openDatabase } from '@countersign/service-host';
import type pg from 'pg';
import { pino } from 'pino';
import { migrate } from './migrate.js';

/** A database of audit's own, as its migrations leave it. */
export async function openAuditDatabase(backing: BackingServices, name = 'audit'): Promise<pg.Pool> {
  const migrationsFolder = fileURLToPath(new URL('../../migrations', import.meta.url));
  return openDatabase({ url: await backing.database(name, migrate), migrationsFolder }, pino({ level: 'silent' }));
}

/** One statement that prepares a test: on a busy machine it may exceed a service's statement limit. */
export async function prepare(pool: pg.Pool, text: string, values: readonly unknown[] = []): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    await limitStatements(client, 0);
    await client.query(text, [...values]);
    await client.query('commit');
    client.release();
  } catch (error) {
    client.release(true);
    throw error;
  }
}

/** Adds small events to the end of the log, as rows only; every tenth was denied. @param keys by how many API keys every fifth was done, in turn */
export async function appendRows(pool: pg.Pool, count: number, keys = 0): Promise<void> {
  await prepare(
    pool,
    `insert into event (log_index, id, source, sequence, type, time, resource, action, outcome, actors, event, received_at)
     select n, id, 'payments', n + 1, 'countersign.payments.payment.read.v1', now(), 'payment/1', 'payments:read', outcome, '{}',
       jsonb_build_object('id', id, 'time', (select to_char(now() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')), 'data', jsonb_build_object('resource', 'payment/1', 'outcome', outcome) ||
         case when $2 > 0 and n % 5 = 0 then jsonb_build_object('principal', jsonb_build_object('api_key', jsonb_build_object('id', 'k-' || n % greatest($2, 1)))) else '{}' end), now()
     from (select coalesce(max(log_index) + 1, 0) as first from event) as log,
       generate_series(first, first + $1::bigint - 1) as n,
       lateral (select gen_random_uuid() as id, case when n % 10 = 9 then 'denied' else 'allowed' end as outcome where n >= 0) as made`,
    [count, keys],
  );
}
