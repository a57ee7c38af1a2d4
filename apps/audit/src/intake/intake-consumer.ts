import { auditStream, ensureAuditStreams } from '@countersign/audit-client';
import { AckPolicy, jetstream, jetstreamManager, type Consumer } from '@nats-io/jetstream';
import { type NatsConnection } from '@nats-io/transport-node';

const CONSUMER = 'audit-log';

/** Messages that may be under way to one replica: of 256 KiB each at the most. */
export const UNDER_WAY = 64;

/** Messages that may be under way to all replicas together: when the database is slow, the rest waits in the stream. */
const UNDER_WAY_TO_ALL = 4 * UNDER_WAY;

/**
 * The durable pull consumer that all replicas share, with streams and settings as declared in code; made again when they were lost.
 * @param replicas copies of each stream: 1 on one server, 3 in a cluster
 */
export async function openConsumer(connection: NatsConnection, replicas: number): Promise<Consumer> {
  const manager = await jetstreamManager(connection, { timeout: 3_000 });
  await ensureAuditStreams(manager, replicas);
  const settings = {
    // A batch commits in milliseconds; what a killed replica held comes again after this.
    ack_wait: 5_000_000_000,
    max_ack_pending: UNDER_WAY_TO_ALL,
  };
  // A server of 2.10 or newer refuses to add a consumer that is there with other settings, those of an older version of ours.
  const existing = await manager.consumers.info(auditStream.name, CONSUMER).catch(() => undefined);
  if (existing === undefined) {
    const consumer = { durable_name: CONSUMER, ack_policy: AckPolicy.Explicit };
    await manager.consumers.add(auditStream.name, { ...consumer, ...settings });
  } else await manager.consumers.update(auditStream.name, CONSUMER, settings);
  return jetstream(connection).consumers.get(auditStream.name, CONSUMER);
}
