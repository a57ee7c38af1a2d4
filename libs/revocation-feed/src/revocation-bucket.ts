import { jetstream, jetstreamManager, type JetStreamManager, type StreamConfig } from '@nats-io/jetstream';
import { type NatsConnection } from '@nats-io/nats-core';
import { BUCKET_CHANGES, BUCKET_PREFIX, DIRECT_GET, readBucket, REVOCATION_BUCKET } from './bucket-reader.js';

/** The bucket's default size in bytes: some 80,000 entries, which also bounds every validator's memory. */
export const BUCKET_SIZE_LIMIT = 64 * 1024 ** 2;
/** Maximum bytes of one entry. */
const ENTRY_SIZE_LIMIT = 4 * 1_024;
/** Milliseconds that one JetStream response may take. */
const TIMEOUT_MS = 3_000;
const STREAM = `KV_${REVOCATION_BUCKET}`;
/** JetStream's code for a stream that does not exist. */
const STREAM_NOT_FOUND = 10_059;

/** The bucket's size and number of copies. */
export interface BucketOptions {
  /** 1 on one server, 3 in a cluster. */
  readonly replicas: number;
  /** Bytes that it may hold. */
  readonly maxBytes: number;
}

/** The bucket from the view of its only writer, the issuer. */
export interface RevocationBucket {
  /** Every entry, key to value, including the statement of the whole list. */
  read(): Promise<ReadonlyMap<string, string>>;
  /** Resolves once the server has stored it. */
  put(key: string, value: string): Promise<void>;
  /** Takes an entry away. */
  purge(key: string): Promise<void>;
  /** Bytes that it holds. */
  size(): Promise<number>;
}

async function open(manager: JetStreamManager, wanted: Partial<StreamConfig> & { name: string }): Promise<void> {
  try {
    const { config } = await manager.streams.info(STREAM);
    const differs =
      config.max_bytes !== wanted.max_bytes ||
      config.max_msg_size !== wanted.max_msg_size ||
      config.num_replicas !== wanted.num_replicas ||
      !config.allow_direct;
    if (differs) await manager.streams.update(STREAM, { ...config, ...wanted });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === STREAM_NOT_FOUND)) throw error;
    await manager.streams.add(wanted);
  }
}

/** Opens the bucket as its writer: creates it if it is missing, and updates an older one's settings. */
export async function openRevocationBucket(
  connection: NatsConnection,
  options: BucketOptions,
): Promise<RevocationBucket> {
  const manager = await jetstreamManager(connection, { checkAPI: false, timeout: TIMEOUT_MS });
  await open(manager, {
    name: STREAM,
    description: 'what every validator refuses although its signature is valid',
    subjects: [BUCKET_CHANGES],
    max_msgs_per_subject: 1,
    max_bytes: options.maxBytes,
    max_msg_size: ENTRY_SIZE_LIMIT,
    num_replicas: options.replicas,
    // A full bucket refuses: the server must never drop an old entry for a new one.
    discard: 'new',
    allow_direct: true,
    allow_rollup_hdrs: true,
    deny_delete: true,
  });
  const stream = jetstream(connection, { timeout: TIMEOUT_MS });
  return {
    async read() {
      const held = new Map<string, string>();
      await readBucket(connection, DIRECT_GET, 1, ({ key, value }) => void held.set(key, value));
      return held;
    },
    async put(key, value) {
      await stream.publish(`${BUCKET_PREFIX}${key}`, value, { expect: { streamName: STREAM } });
    },
    async purge(key) {
      await manager.streams.purge(STREAM, { filter: `${BUCKET_PREFIX}${key}` });
    },
    async size() {
      return (await manager.streams.info(STREAM)).state.bytes;
    },
  };
}
