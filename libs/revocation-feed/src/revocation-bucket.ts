import { jetstream } from '@nats-io/jetstream';
import { Kvm, type KV } from '@nats-io/kv';
import { type NatsConnection } from '@nats-io/nats-core';

/** The JetStream key-value bucket that carries revocations; its stream is `KV_revocations`. */
export const REVOCATION_BUCKET = 'revocations';

/** Bytes that the bucket may hold: some 300,000 entries, and so the bound of every validator's memory. A full bucket refuses new entries. */
export const BUCKET_SIZE_LIMIT = 64 * 1024 ** 2;

/** Milliseconds that one answer of JetStream may take. */
const TIMEOUT_MS = 3_000;

/**
 * Opens the bucket, or makes it where it is missing; only the issuer may do so.
 * @param replicas 1 on one server, 3 in a cluster
 */
export function createRevocationBucket(connection: NatsConnection, replicas = 1): Promise<KV> {
  return new Kvm(jetstream(connection, { timeout: TIMEOUT_MS })).create(REVOCATION_BUCKET, {
    description: 'what every validator refuses though its signature is good',
    history: 1,
    max_bytes: BUCKET_SIZE_LIMIT,
    maxValueSize: 1_024,
    replicas,
    allow_direct: true,
  });
}

/** What the issuer's JetStream is called in the other accounts. */
const ISSUER_API = 'revocations.api';

/** Opens the bucket to watch it, from another account than the issuer's. @throws when it is missing or JetStream does not answer */
export async function openRevocationBucket(connection: NatsConnection): Promise<KV> {
  const bucket = await new Kvm(jetstream(connection, { timeout: TIMEOUT_MS, apiPrefix: ISSUER_API })).open(
    REVOCATION_BUCKET,
    {
      allow_direct: false,
    },
  );
  await bucket.status();
  return bucket;
}

/** Everything that the bucket holds now, key to value; watches until the last entry that was there has come. */
export async function readRevocationBucket(bucket: KV): Promise<Map<string, string>> {
  const held = new Map<string, string>();
  const { values } = await bucket.status();
  if (values === 0) return held;
  const entries = await bucket.watch();
  const limit = setTimeout(() => {
    entries.stop(new Error('the bucket fell silent while it was read'));
  }, TIMEOUT_MS);
  try {
    for await (const entry of entries) {
      if (entry.operation === 'PUT') held.set(entry.key, entry.string());
      else held.delete(entry.key);
      if (entry.delta === 0) break;
      limit.refresh();
    }
  } finally {
    clearTimeout(limit);
    entries.stop();
  }
  return held;
}
