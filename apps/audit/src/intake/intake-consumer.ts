import { auditStream, ensureAuditStreams, type StreamSettings } from '@countersign/audit-client';
import { AckPolicy, jetstream, jetstreamManager, type Consumer } from '@nats-io/jetstream';
import { type NatsConnection } from '@nats-io/transport-node';

const CONSUMER = 'audit-log';

/** Maximum messages in flight to one replica, each at most 256 KiB. */
export const UNDER_WAY = 64;

/** Maximum messages in flight to all replicas together: if the database is slow, the rest waits in the stream. */
const UNDER_WAY_TO_ALL = 4 * UNDER_WAY;

/** How much is waiting in the stream, and how full it is. */
export interface Waiting {
  readonly messages: number;
  readonly bytes: number;
  /** Bytes at which the stream refuses messages. */
  readonly limit: number;
}

export interface Intake {
  readonly consumer: Consumer;
  /** Streams from an older version that were recreated. */
  readonly madeAgain: readonly string[];
  /** @throws when the stream or its consumer is gone */
  waiting(): Promise<Waiting>;
}

/** The durable pull consumer that all replicas share, with streams and settings as declared in code; recreated if they were lost. */
export async function openIntake(connection: NatsConnection, streams: StreamSettings): Promise<Intake> {
  const manager = await jetstreamManager(connection, { timeout: 3_000 });
  const madeAgain = await ensureAuditStreams(manager, streams);
  const settings = {
    // A batch commits in milliseconds; messages held by a killed replica are redelivered after this time.
    ack_wait: 5_000_000_000,
    max_ack_pending: UNDER_WAY_TO_ALL,
  };
  // A server of 2.10 or newer refuses to add a consumer that exists with other settings, such as those of our older versions.
  const existing = await manager.consumers.info(auditStream.name, CONSUMER).catch(() => undefined);
  if (existing === undefined) {
    const consumer = { durable_name: CONSUMER, ack_policy: AckPolicy.Explicit };
    await manager.consumers.add(auditStream.name, { ...consumer, ...settings });
  } else await manager.consumers.update(auditStream.name, CONSUMER, settings);
  const consumer = await jetstream(connection).consumers.get(auditStream.name, CONSUMER);
  return {
    consumer,
    madeAgain,
    async waiting() {
      const [{ state, config }] = await Promise.all([manager.streams.info(auditStream.name), consumer.info()]);
      return { messages: state.messages, bytes: state.bytes, limit: config.max_bytes };
    },
  };
}
