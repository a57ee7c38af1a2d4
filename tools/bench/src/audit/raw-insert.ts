import { traceIdOf, type AuditEvent } from '@countersign/audit-event';
import type pg from 'pg';

/** Rows of one statement, as many as the intake takes at once. */
const BATCH = 500;

const insert = {
  name: 'raw-insert',
  text: `insert into event (log_index, id, source, sequence, type, time, resource, action, outcome, subject, client_id, actors, txn, trace_id, event, received_at)
    select log_index, id, source, sequence, type, time, resource, action, outcome, subject, client_id, array[actor], txn, trace_id, event, now()
    from unnest($1::bigint[], $2::uuid[], $3::text[], $4::bigint[], $5::text[], $6::timestamptz[], $7::text[], $8::text[], $9::text[], $10::text[],
      $11::text[], $12::text[], $13::text[], $14::text[], $15::jsonb[])
      as row (log_index, id, source, sequence, type, time, resource, action, outcome, subject, client_id, actor, txn, trace_id, event)`,
};

/** The rows as columns, ready to be sent: what a program that had nothing else to do would send. */
export function rawBatches(events: readonly AuditEvent[]): readonly (readonly unknown[])[] {
  const batches: unknown[][] = [];
  for (let at = 0; at < events.length; at += BATCH) {
    const batch = events.slice(at, at + BATCH);
    batches.push([
      batch.map(({ sequence }) => sequence),
      batch.map(({ id }) => id),
      batch.map(({ source }) => source),
      batch.map(({ sequence }) => sequence),
      batch.map(({ type }) => type),
      batch.map(({ time }) => time),
      batch.map(({ data }) => data.resource),
      batch.map(({ data }) => data.action),
      batch.map(({ data }) => data.outcome),
      batch.map(({ data }) => data.principal?.subject),
      batch.map(({ data }) => data.principal?.client_id),
      batch.map(({ data }) => data.principal?.actors[0]),
      batch.map(({ data }) => data.txn),
      batch.map(({ traceparent }) => traceIdOf(traceparent)),
      batch.map((event) => JSON.stringify(event)),
    ]);
  }
  return batches;
}

/** Inserts the batches, each in a separate transaction, over one connection. */
export async function insertRaw(pool: pg.Pool, batches: readonly (readonly unknown[])[]): Promise<void> {
  const client = await pool.connect();
  try {
    for (const batch of batches) await client.query({ ...insert, values: [...batch] });
  } finally {
    client.release();
  }
}
