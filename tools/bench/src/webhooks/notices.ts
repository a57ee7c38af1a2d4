import { randomUUID } from 'node:crypto';
import { uuidv7 } from '@countersign/audit-event';
import type pg from 'pg';

/** Registers an endpoint, as payments keeps it, of a client that has no other. @returns its id */
export async function registerEndpoint(pool: pg.Pool, url: string): Promise<string> {
  const [id, client] = [uuidv7(), randomUUID()];
  await pool.query(
    `insert into webhook_endpoint (id, client_id, subject, reach, slot, url, types, status, created_at, updated_at)
      values ($1, $2, $2, 'subject', 1, $3, '{payment.settled}', 'active', now(), now())`,
    [id, client, url],
  );
  return id;
}

/** Commits one notice for each endpoint, as a settled payment does; it is due immediately. */
export async function tell(pool: pg.Pool, endpoints: readonly string[]): Promise<void> {
  const due = Date.now();
  await pool.query(
    `insert into webhook_delivery (endpoint_id, event_id, type, payment_id, body, status, next_attempt_at, created_at)
      select id, $2::uuid, 'payment.settled', $2::uuid, $3, 'pending', $4::timestamptz, $4::timestamptz from unnest($1::uuid[]) as id`,
    [endpoints, uuidv7(due), JSON.stringify({ due }), new Date(due)],
  );
}

/** Forgets what waits for these endpoints and how they did, so that the next round meets them as the first did. */
export async function forget(pool: pg.Pool, endpoints: readonly string[]): Promise<void> {
  await pool.query('delete from webhook_delivery where endpoint_id = any($1::uuid[])', [endpoints]);
  await pool.query('update webhook_endpoint set failures = 0, rest_until = null where id = any($1::uuid[])', [
    endpoints,
  ]);
}
