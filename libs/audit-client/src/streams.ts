import {
  DiscardPolicy,
  RetentionPolicy,
  StorageType,
  type JetStreamManager,
  type StreamConfig,
} from '@nats-io/jetstream';
import { BATCH_SIZE_LIMIT } from './event-batch.js';

/** JetStream's times are nanoseconds. */
const second = 1_000_000_000;
const day = 24 * 60 * 60 * second;

/**
 * The stream between the outboxes and the audit service. It is a pipe, not the record: what audit has committed and acknowledged is removed (work
 * queue), so its size is a budget for an outage of audit. A full stream refuses (`discard new`) and the outboxes wait; a lost stream is refilled from
 * them.
 */
export const auditStream = {
  name: 'AUDIT',
  subjects: ['audit.>'],
  retention: RetentionPolicy.Workqueue,
  storage: StorageType.File,
  discard: DiscardPolicy.New,
  max_age: 7 * day,
  max_bytes: 1024 ** 3,
  /** A full batch with its headers. */
  max_msg_size: BATCH_SIZE_LIMIT + 4 * 1024,
  /** Two minutes in which a second publish of the same event is acknowledged but not stored. */
  duplicate_window: 120 * second,
} satisfies Partial<StreamConfig> & { name: string };

/** Events that could not enter the trail, each with its reason in the header `Countersign-Reason`. */
export const deadLetterStream = {
  name: 'AUDIT_DEAD_LETTERS',
  subjects: ['audit-dead-letters.>'],
  retention: RetentionPolicy.Limits,
  storage: StorageType.File,
  discard: DiscardPolicy.Old,
  max_age: 30 * day,
  max_bytes: 256 * 1024 ** 2,
} satisfies Partial<StreamConfig> & { name: string };

/** How the streams between outboxes and audit are stored. */
export interface StreamSettings {
  /** Copies of each stream: 1 on one server, 3 in a cluster; 1 by default. */
  readonly replicas?: number | undefined;
  /** Maximum bytes of the stream `AUDIT`. When omitted: its present size, or 1 GiB for a new one. */
  readonly maxBytes?: number | undefined;
  /** Seconds after which `AUDIT` drops what audit has not fetched. When omitted: its present age, or seven days for a new one. */
  readonly maxAgeSeconds?: number | undefined;
}

type OwnStream = Partial<StreamConfig> & { name: string };

/** Size and age belong to the operator, set by our variables or by NATS's own tools: what is not given stays unchanged. */
function withBudgetOf(existing: StreamConfig | undefined, declared: OwnStream, settings: StreamSettings): OwnStream {
  const {
    replicas = 1,
    maxBytes,
    maxAgeSeconds,
  } = declared === auditStream ? settings : { replicas: settings.replicas };
  return {
    ...declared,
    num_replicas: replicas,
    max_bytes: maxBytes ?? existing?.max_bytes ?? declared.max_bytes ?? -1,
    max_age: maxAgeSeconds === undefined ? (existing?.max_age ?? declared.max_age ?? 0) : maxAgeSeconds * second,
  };
}

/**
 * Brings both streams to the settings above; safe to repeat. A stream of an older version that keeps acknowledged messages is recreated, because the
 * server cannot change its retention: what audit has not committed is still in the outboxes, which publish it again.
 * @returns the streams that were recreated
 */
export async function ensureAuditStreams(
  manager: JetStreamManager,
  settings: StreamSettings = {},
): Promise<readonly string[]> {
  const names = new Set<string>();
  for await (const name of manager.streams.names()) names.add(name);
  const madeAgain: string[] = [];
  for (const declared of [auditStream, deadLetterStream]) {
    const existing = names.has(declared.name) ? (await manager.streams.info(declared.name)).config : undefined;
    const wanted = withBudgetOf(existing, declared, settings);
    if (existing?.retention === declared.retention) {
      await manager.streams.update(declared.name, wanted);
      continue;
    }
    if (existing !== undefined) {
      await manager.streams.delete(declared.name);
      madeAgain.push(declared.name);
    }
    await manager.streams.add(wanted);
  }
  return madeAgain;
}
