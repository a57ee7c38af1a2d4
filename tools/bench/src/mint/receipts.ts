import { setTimeout as delay } from 'node:timers/promises';
import { connectToNats, receiptSubject, type NatsOptions } from '@countersign/audit-client';
import pg from 'pg';

/** Stands for the audit service: confirms twice a second what the issuer published, so that its outbox stays as small as it is in a whole stack. */
export async function confirmEvents(databaseUrl: string, nats: NatsOptions, signal: AbortSignal): Promise<void> {
  const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const connection = await connectToNats('bench-audit', nats, silent, signal);
  const database = new pg.Client({ connectionString: databaseUrl });
  await database.connect();
  try {
    while (!signal.aborted) {
      const { rows } = await database.query<{ through: string | null }>(
        'select max(sequence) as through from audit_outbox where published_at is not null',
      );
      const through = rows[0]?.through;
      if (typeof through === 'string') {
        connection?.publish(receiptSubject('issuer'), JSON.stringify({ source: 'issuer', through }));
      }
      await delay(500, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    await database.end();
    await connection?.close();
  }
}
