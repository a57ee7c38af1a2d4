import { auditStream, ensureAuditStreams } from '@countersign/audit-client';
import { AckPolicy, jetstream, jetstreamManager, type Consumer } from '@nats-io/jetstream';
import { type NatsConnection } from '@nats-io/transport-node';

const CONSUMER = 'audit-log';

/** Events that one transaction takes at the most. */
export const BATCH = 500;

/** Messages that may be under way to all replicas together: when the database is slow, the rest waits in the stream. */
const UNDER_WAY = 4 * BATCH;

/**
 * The durable pull consumer that all replicas share, with streams and settings as declared in code; made again when they were lost.
 * @param replicas copies of each stream: 1 on one server, 3 in a cluster
 */
export async function openConsumer(connection: NatsConnection, replicas: number): Promise<Consumer> {
  const manager = await jetstreamManager(connection, { timeout: 3_000 });
  await ensureAuditStreams(manager, replicas);
  await manager.consumers.add(auditStream.name, {
    durable_name: CONSUMER,
    ack_policy: AckPolicy.Explicit,
    // A batch commits in milliseconds; what a killed replica held comes again after this.
    ack_wait: 5_000_000_000,
    max_ack_pending: UNDER_WAY,
  });
  return jetstream(connection).consumers.get(auditStream.name, CONSUMER);
}
