import {
  DiscardPolicy,
  RetentionPolicy,
  StorageType,
  type JetStreamManager,
  type StreamConfig,
} from '@nats-io/jetstream';
import { BATCH_SIZE_LIMIT } from './event-batch.js';

const day = 24 * 60 * 60 * 1_000_000_000;

/**
 * The stream between the outboxes and the audit service. It is a pipe, not the record: a full stream refuses (`discard new`) and the
 * outboxes wait; a lost stream is filled again from them.
 */
export const auditStream = {
  name: 'AUDIT',
  subjects: ['audit.>'],
  retention: RetentionPolicy.Limits,
  storage: StorageType.File,
  discard: DiscardPolicy.New,
  max_age: 7 * day,
  max_bytes: 1024 ** 3,
  /** A full batch and its headers. */
  max_msg_size: BATCH_SIZE_LIMIT + 4 * 1024,
  /** Two minutes in which a second publish of the same event is acknowledged but not stored. */
  duplicate_window: 120_000_000_000,
} satisfies Partial<StreamConfig> & { name: string };

/** Events that no trail could take, each with its reason in the header `Countersign-Reason`. */
export const deadLetterStream = {
  name: 'AUDIT_DEAD_LETTERS',
  subjects: ['audit-dead-letters.>'],
  retention: RetentionPolicy.Limits,
  storage: StorageType.File,
  discard: DiscardPolicy.Old,
  max_age: 30 * day,
  max_bytes: 256 * 1024 ** 2,
} satisfies Partial<StreamConfig> & { name: string };

/**
 * Brings both streams to the settings above; safe to repeat.
 * @param replicas 1 on one server, 3 in a cluster
 */
export async function ensureAuditStreams(manager: JetStreamManager, replicas = 1): Promise<void> {
  const existing = new Set<string>();
  for await (const name of manager.streams.names()) existing.add(name);
  for (const stream of [auditStream, deadLetterStream]) {
    const settings = { ...stream, num_replicas: replicas };
    if (existing.has(stream.name)) await manager.streams.update(stream.name, settings);
    else await manager.streams.add(settings);
  }
}

/** `countersign.payments.payment.settled.v1` from payments goes to `audit.payments.payment.settled`. */
export function subjectOf(event: { readonly source: string; readonly type: string }): string {
  return `audit.${event.source}.${event.type.split('.').slice(2, 4).join('.')}`;
}
