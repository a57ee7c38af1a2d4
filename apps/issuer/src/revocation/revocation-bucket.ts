import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { connectToNats, type NatsOptions } from '@countersign/audit-client';
import {
  bucketValueOf,
  createRevocationBucket,
  readRevocationBucket,
  REVOCATION_BUCKET,
} from '@countersign/revocation-feed';
import { CLOCK, HEALTH, LOGGER, METRICS, type HealthRegistry } from '@countersign/service-host';
import { jetstreamManager } from '@nats-io/jetstream';
import { type KV } from '@nats-io/kv';
import { type NatsConnection } from '@nats-io/transport-node';
import { type Logger } from 'pino';
import { Gauge, type Registry } from 'prom-client';
import { revocationOf, RevocationsStore } from './revocations.store.js';
import { type RevocationRow } from './revocations.tables.js';

export const BUCKET_NATS = Symbol('countersign.issuer.bucket-nats');
export const BUCKET_REPLICAS = Symbol('countersign.issuer.bucket-replicas');

/** Milliseconds between two looks for revocations that the bucket does not have. */
const PUSH_EVERY_MS = 1_000;
/** Milliseconds between two comparisons of database and bucket. */
const MEND_EVERY_MS = 60_000;
/** Milliseconds that a revocation waits for the bucket before it is answered; it is in the database by then. */
const PUSH_LIMIT_MS = 1_000;
/** Writes that are under way to the bucket at once. */
const WRITES_AT_ONCE = 100;

export interface BucketState {
  readonly connected: boolean;
  /** Revocations that the bucket does not have yet, as last counted. */
  readonly unpushed: number;
  readonly comparedAt: string | null;
  readonly lastError: string | null;
}

async function inBatches<Item>(items: readonly Item[], work: (item: Item) => Promise<unknown>): Promise<void> {
  for (let from = 0; from < items.length; from += WRITES_AT_ONCE)
    await Promise.all(items.slice(from, from + WRITES_AT_ONCE).map(work));
}

/**
 * The copy of the revocations in JetStream, from which validators hear of them. What the database has and the bucket lacks is put there:
 * at once, every second, and by comparing both at start, on each reconnect and every minute. So neither a crash nor NATS's absence loses one.
 */
@Injectable()
export class RevocationBucket implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #stopped = new AbortController();
  #connection: NatsConnection | undefined;
  #bucket: KV | undefined;
  #timers: readonly NodeJS.Timeout[] = [];
  #running: Promise<void> = Promise.resolve();
  #mending: Promise<void> | undefined;
  #pushing = false;
  #unpushed = 0;
  #comparedAt: Date | undefined;
  #lastError: string | null = null;

  constructor(
    @Inject(BUCKET_NATS) private readonly nats: NatsOptions,
    @Inject(BUCKET_REPLICAS) private readonly replicas: number,
    @Inject(RevocationsStore) private readonly store: RevocationsStore,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(HEALTH) health: HealthRegistry,
    @Inject(METRICS) metrics: Registry,
  ) {
    health.addNote('revocation_bucket', () => this.state());
    const unpushed = (): number => this.#unpushed;
    new Gauge({
      name: 'revocations_unpushed',
      help: 'Revocations in the database that the bucket does not have yet.',
      registers: [metrics],
      collect(): void {
        this.set(unpushed());
      },
    });
  }

  state(): BucketState {
    return {
      connected: this.#connection !== undefined && !this.#connection.isClosed() && this.#lastError === null,
      unpushed: this.#unpushed,
      comparedAt: this.#comparedAt?.toISOString() ?? null,
      lastError: this.#lastError,
    };
  }

  onApplicationBootstrap(): void {
    this.#running = this.#run();
    this.#timers = [
      setInterval(() => void this.#pushMissing(), PUSH_EVERY_MS),
      setInterval(() => void this.mend(), MEND_EVERY_MS),
    ];
    for (const timer of this.#timers) timer.unref();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#stopped.abort();
    for (const timer of this.#timers) clearInterval(timer);
    await this.#connection?.close();
    await this.#running;
  }

  /** Puts a revocation that is committed into the bucket. @returns whether the bucket has it; if not, it will later */
  async push(row: RevocationRow): Promise<boolean> {
    const bucket = this.#bucket;
    if (bucket === undefined) return false;
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`the bucket did not answer within ${String(PUSH_LIMIT_MS)} ms`));
      }, PUSH_LIMIT_MS);
    });
    try {
      await Promise.race([this.#put(bucket, row), limit]);
    } catch (error) {
      this.#failed(error);
      return false;
    } finally {
      clearTimeout(timer);
    }
    this.store.markPushed([row], this.clock()).catch((error: unknown) => {
      this.#failed(error);
    });
    return true;
  }

  /** Compares database and bucket and mends the bucket; a bucket that is lost is made anew. Joins a comparison under way. */
  mend(): Promise<void> {
    this.#mending ??= this.#compare()
      .catch((error: unknown) => {
        this.#failed(error);
      })
      .finally(() => {
        this.#mending = undefined;
      });
    return this.#mending;
  }

  async #run(): Promise<void> {
    const connection = await connectToNats('issuer-revocations', this.nats, this.logger, this.#stopped.signal);
    if (connection === undefined) return;
    if (this.#stopped.signal.aborted) return connection.close();
    this.#connection = connection;
    // Begun before the comparison: of a connection that a stop closes meanwhile, a list begun later would never end.
    const statuses = connection.status();
    // Nor does a question end that a stop leaves without an answer.
    await Promise.race([this.mend(), connection.closed()]);
    for await (const { type } of statuses) {
      if (type === 'disconnect') {
        this.#bucket = undefined;
        this.#lastError = 'disconnected from NATS';
      }
      if (type === 'reconnect') void this.mend();
    }
  }

  async #compare(): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined || connection.isClosed()) return;
    const bucket = await createRevocationBucket(connection, this.replicas);
    // The bucket first: what it holds was committed before, so that the rows read after it cannot lack a new one.
    const held = await readRevocationBucket(bucket);
    await this.store.prune(this.clock());
    const rows = await this.store.inForce(this.clock());
    const missing = rows.filter((row) => held.get(row.bucketKey) !== bucketValueOf(revocationOf(row)));
    await inBatches(missing, (row) => this.#put(bucket, row));
    await this.store.markPushed(
      rows.filter(({ pushedAt }) => pushedAt === null),
      this.clock(),
    );
    const known = new Set(rows.map(({ bucketKey }) => bucketKey));
    const surplus = [...held.keys()].filter((key) => !known.has(key));
    if (surplus.length > 0) {
      const manager = await jetstreamManager(connection, { checkAPI: false });
      const purge = (key: string) =>
        manager.streams.purge(`KV_${REVOCATION_BUCKET}`, { filter: `$KV.${REVOCATION_BUCKET}.${key}` });
      await inBatches(surplus, purge);
    }
    this.#bucket = bucket;
    this.#comparedAt = this.clock();
    this.#unpushed = 0;
    this.#lastError = null;
    if (missing.length > 0) this.logger.info({ mended: missing.length }, 'the revocation bucket was mended');
  }

  /** What was committed while the bucket was away, or by a replica that died before it could push. */
  async #pushMissing(): Promise<void> {
    if (this.#pushing || this.#mending !== undefined) return;
    this.#pushing = true;
    try {
      await this.store.numberNew();
      const rows = await this.store.unpushed(this.clock());
      this.#unpushed = rows.length;
      if (this.#bucket === undefined) {
        if (this.#connection?.isClosed() === false) await this.mend();
        return;
      }
      const bucket = this.#bucket;
      await inBatches(rows, (row) => this.#put(bucket, row));
      if (rows.length === 0) return;
      await this.store.markPushed(rows, this.clock());
      this.#unpushed = 0;
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#pushing = false;
    }
  }

  async #put(bucket: KV, row: RevocationRow): Promise<void> {
    await bucket.put(row.bucketKey, bucketValueOf(revocationOf(row)));
  }

  #failed(error: unknown): void {
    if (this.#stopped.signal.aborted) return;
    const reason = error instanceof Error ? error.message : String(error);
    if (reason !== this.#lastError) this.logger.warn({ reason }, 'the revocation bucket is behind; it will be mended');
    this.#lastError = reason;
    // A bucket that does not answer may be lost: the next round opens it, or makes it anew.
    this.#bucket = undefined;
  }
}
