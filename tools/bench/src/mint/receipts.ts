import { setTimeout as delay } from 'node:timers/promises';
import {
  auditStream,
  batchSubject,
  connectToNats,
  ensureAuditStreams,
  receiptSubject,
  type NatsOptions,
} from '@countersign/audit-client';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';

/** The number of the last event that the issuer published since the last look; what was checked leaves the stream. */
async function lastPublished({ streams }: JetStreamManager): Promise<string | undefined> {
  const last = await streams.getMessage(auditStream.name, { last_by_subj: batchSubject('issuer') });
  if (last === null) return undefined;
  await streams.purge(auditStream.name, { seq: last.seq + 1 });
  return /-(\d+)\./.exec(last.header.get('Nats-Msg-Id'))?.[1];
}

/**
 * Stands for the audit service: makes its stream, and twice a second takes from it and confirms what the issuer published, so that its outbox
 * stays as small as it is in a whole stack.
 */
export async function confirmEvents(nats: NatsOptions, signal: AbortSignal): Promise<void> {
  const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const connection = await connectToNats('bench-audit', nats, silent, signal);
  if (connection === undefined) return;
  try {
    const manager = await jetstreamManager(connection);
    await ensureAuditStreams(manager);
    while (!signal.aborted) {
      const through = await lastPublished(manager);
      if (through !== undefined)
        connection.publish(receiptSubject('issuer'), JSON.stringify({ source: 'issuer', through }));
      await delay(500, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    await connection.close();
  }
}
