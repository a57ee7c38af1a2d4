import {
  CHECKPOINT_SUBJECT,
  FIRST_INDEX_HEADER,
  packEvents,
  SALTS_HEADER,
  saltsOf,
  type NumberedEvent,
  type Placement,
} from '@countersign/audit-client';
import { type AuditEvent } from '@countersign/audit-event';
import {
  AckPolicy,
  DiscardPolicy,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from '@nats-io/jetstream';
import { headers, type NatsConnection } from '@nats-io/transport-node';

/** Where audit stores its own events outside its database, as every other service does. */
const OWN_EVENTS_SUBJECT = 'log.kept';

/**
 * Audit's record of its log outside its database: the checkpoints that it signed, and its own events with their log indices. It reveals a database that
 * was restored from a backup.
 */
const logRecordStream = {
  name: 'AUDIT_LOG',
  subjects: [CHECKPOINT_SUBJECT, OWN_EVENTS_SUBJECT],
  retention: RetentionPolicy.Limits,
  storage: StorageType.File,
  discard: DiscardPolicy.Old,
  max_bytes: 512 * 1024 ** 2,
} satisfies Partial<StreamConfig> & { name: string };

/** Some of audit's own events, as they were sent. */
export interface OwnEvents {
  readonly firstIndex: bigint;
  readonly events: readonly unknown[];
  /** JSON, by sequence and path. */
  readonly salts: string;
}

const TIMEOUT_MS = 3_000;
/** JetStream's code for a stream that does not exist. */
const STREAM_NOT_FOUND = 10_059;

/** @param keepHours hours for which records are kept */
export async function ensureLogRecord(connection: NatsConnection, replicas: number, keepHours: number): Promise<void> {
  const manager = await jetstreamManager(connection, { timeout: TIMEOUT_MS });
  const settings = { ...logRecordStream, num_replicas: replicas, max_age: keepHours * 3_600_000_000_000 };
  const known = await manager.streams.info(logRecordStream.name).catch(() => undefined);
  if (known === undefined) await manager.streams.add(settings);
  else await manager.streams.update(logRecordStream.name, settings);
}

/** Whether the stream is there. @throws when NATS does not answer */
export async function hasLogRecord(connection: NatsConnection): Promise<boolean> {
  const manager = await jetstreamManager(connection, { timeout: TIMEOUT_MS });
  try {
    await manager.streams.info(logRecordStream.name);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === STREAM_NOT_FOUND) return false;
    throw error;
  }
}

/** The newest published checkpoint; undefined if none is recorded. */
export async function newestCheckpoint(connection: NatsConnection): Promise<string | undefined> {
  const manager = await jetstreamManager(connection, { timeout: TIMEOUT_MS });
  const message = await manager.streams.getMessage(logRecordStream.name, { last_by_subj: CHECKPOINT_SUBJECT });
  return message?.string();
}

/** The log index after the newest recorded event of audit's own; undefined if there is none. */
export async function newestOwnEnd(connection: NatsConnection): Promise<bigint | undefined> {
  const manager = await jetstreamManager(connection, { timeout: TIMEOUT_MS });
  const message = await manager.streams.getMessage(logRecordStream.name, { last_by_subj: OWN_EVENTS_SUBJECT });
  const own = message === null ? undefined : ownEventsOf(message.header.get(FIRST_INDEX_HEADER), message.json());
  return own === undefined ? undefined : own.firstIndex + BigInt(own.events.length);
}

function ownEventsOf(index: string, events: unknown, salts = '{}'): OwnEvents | undefined {
  return /^[0-9]{1,18}$/.test(index) && Array.isArray(events)
    ? { firstIndex: BigInt(index), events, salts }
    : undefined;
}

/** Records audit's own events with their log indices; resolves once the stream has them. */
export async function keepOwnEvents(
  connection: NatsConnection,
  events: ReadonlyMap<string, AuditEvent>,
  { places }: Placement,
): Promise<void> {
  const stream = jetstream(connection, { timeout: TIMEOUT_MS });
  for (const { first, last, index, salts = {} } of places) {
    if (index === null) continue;
    const members: NumberedEvent[] = [];
    for (let sequence = BigInt(first); sequence <= BigInt(last); sequence += 1n) {
      const event = events.get(sequence.toString());
      if (event !== undefined) members.push({ sequence, json: JSON.stringify(event) });
    }
    for (const batch of packEvents(members)) {
      const header = headers();
      header.set(FIRST_INDEX_HEADER, String(BigInt(index) + batch.first - BigInt(first)));
      header.set(SALTS_HEADER, JSON.stringify(saltsOf(batch, salts)));
      await stream.publish(OWN_EVENTS_SUBJECT, batch.payload, { headers: header });
    }
  }
}

/** The recorded events of audit's own, oldest first. */
export async function* readOwnEvents(connection: NatsConnection): AsyncGenerator<OwnEvents> {
  const manager = await jetstreamManager(connection, { timeout: TIMEOUT_MS });
  const { name } = await manager.consumers.add(logRecordStream.name, {
    ack_policy: AckPolicy.None,
    filter_subject: OWN_EVENTS_SUBJECT,
    inactive_threshold: 60_000_000_000,
  });
  const consumer = await jetstream(connection, { timeout: TIMEOUT_MS }).consumers.get(logRecordStream.name, name);
  let pending = (await consumer.info()).num_pending;
  while (pending > 0) {
    const before = pending;
    for await (const message of await consumer.fetch({ max_messages: 100, expires: TIMEOUT_MS })) {
      pending = message.info.pending;
      const { headers: said } = message;
      const own = ownEventsOf(said?.get(FIRST_INDEX_HEADER) ?? '', message.json(), said?.get(SALTS_HEADER));
      if (own !== undefined) yield own;
    }
    if (pending === before) throw new Error("the log's stream does not return the messages it contains");
  }
}
