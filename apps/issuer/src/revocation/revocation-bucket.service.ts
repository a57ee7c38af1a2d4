import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { connectToNats, type NatsOptions } from '@countersign/audit-client';
import {
  openRevocationBucket,
  type BucketOptions,
  type RevocationBucket as Bucket,
} from '@countersign/revocation-feed';
import {
  Background,
  CLOCK,
  databaseReasonOf,
  HEALTH,
  LOGGER,
  METRICS,
  type HealthRegistry,
} from '@countersign/service-host';
import { type NatsConnection } from '@nats-io/transport-node';
import { type Logger } from 'pino';
import { Gauge, type Registry } from 'prom-client';
import { ListedRevocations } from '../registry/listed-revocations.store.js';
import { Replica } from '../registry/replica.service.js';
import { type RevocationRow } from '../registry/revocations.tables.js';
import { BucketComparison } from './bucket-comparison.js';
import { BucketEntries } from './bucket-entries.js';
import { BucketWriter } from './bucket-writer.js';
import { Restoration } from './restoration.service.js';
import { RevocationsStore } from './revocations.store.js';
import { Statements } from './statements.service.js';

export const BUCKET_NATS = Symbol('countersign.issuer.bucket-nats');
export const BUCKET_OPTIONS = Symbol('countersign.issuer.bucket-options');

/** Milliseconds between two checks for revocations that the bucket does not have. */
const PUSH_EVERY_MS = 1_000;
/** Milliseconds between two comparisons of database and bucket; a long comparison is followed by a longer pause. */
const MEND_EVERY_MS = 60_000;
const REST_FACTOR = 20;
/** Milliseconds between two checks whether the state of the list must be published. */
const STATE_EVERY_MS = 250;
/** Milliseconds that a request waits for the bucket after its revocation was committed to the database. */
const PUSH_LIMIT_MS = 1_000;
/** Milliseconds for which the bucket may fail while NATS is up, before this replica is no longer ready. */
const STUCK_AFTER_MS = 15_000;

export interface BucketState {
  readonly connected: boolean;
  /** Revocations that the bucket does not have yet, as of the last count. */
  readonly unpushed: number;
  readonly comparedAt: string | null;
  /** When this replica last published the state of the whole list. */
  readonly statedAt: string | null;
  /** Entries of the bucket that are signed with a key that this database does not know. */
  readonly ofUnknownKey: number;
  readonly lastError: string | null;
}

/**
 * The copy of the revocations in JetStream, from which validators receive them: one signed statement for each, and one about the
 * whole list. Revocations missing from the bucket are added: immediately, every second, and by comparing both at startup, on each
 * reconnect and every minute. So neither a crash nor an outage of NATS loses one.
 */
@Injectable()
export class RevocationBucket implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #stopped = new AbortController();
  readonly #writer: BucketWriter;
  readonly #comparison: BucketComparison;
  #connection: NatsConnection | undefined;
  #bucket: Bucket | undefined;
  #running: Promise<void> = Promise.resolve();
  #mending: Promise<void> | undefined;
  #mendAgainAt = 0;
  #unpushed = 0;
  #ofUnknownKey = 0;
  #comparedAt: Date | undefined;
  #lastError: string | null = null;
  #failingSince: number | undefined;

  constructor(
    @Inject(BUCKET_NATS) private readonly nats: NatsOptions,
    @Inject(BUCKET_OPTIONS) private readonly options: BucketOptions,
    @Inject(RevocationsStore) private readonly store: RevocationsStore,
    @Inject(ListedRevocations) listed: ListedRevocations,
    @Inject(Statements) statements: Statements,
    @Inject(Replica) replica: Replica,
    @Inject(Restoration) restoration: Restoration,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(HEALTH) health: HealthRegistry,
    @Inject(METRICS) metrics: Registry,
    @Inject(Background) background: Background,
  ) {
    const entries = new BucketEntries(statements);
    this.#writer = new BucketWriter(statements, entries, replica, clock);
    this.#comparison = new BucketComparison(store, listed, replica, restoration, entries, this.#writer, clock);
    background.repeat({ name: 'revocation_push', everyMs: PUSH_EVERY_MS, run: () => this.#pushMissing() });
    background.repeat({ name: 'revocation_list', everyMs: STATE_EVERY_MS, run: () => this.#stateList() });
    health.addNote('revocation_bucket', () => this.state());
    health.add('revocation_bucket', () => {
      if (this.#isStuck()) throw new Error(`validators receive no revocations: ${this.#lastError ?? ''}`);
    });
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
      statedAt: this.#writer.statedAt?.toISOString() ?? null,
      ofUnknownKey: this.#ofUnknownKey,
      lastError: this.#lastError,
    };
  }

  onApplicationBootstrap(): void {
    this.#running = this.#run();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#stopped.abort();
    await this.#connection?.close();
    await this.#running;
  }

  /** Puts a committed revocation into the bucket. @returns whether the bucket has it; if not, it will later */
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
      await Promise.race([this.#writer.put(bucket, row), limit]);
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

  /** Maximum size of the bucket in bytes. */
  get maxBytes(): number {
    return this.options.maxBytes;
  }

  /** Triggers a comparison of database and bucket: entries have been deleted from the database. */
  mendSoon(): void {
    this.#mendAgainAt = 0;
  }

  /** Compares database and bucket and repairs the bucket; a bucket that is lost is recreated. Joins a comparison in progress. */
  mend(): Promise<void> {
    const startedAt = performance.now();
    this.#mending ??= this.#compare()
      .catch((error: unknown) => {
        this.#failed(error);
      })
      .finally(() => {
        const now = performance.now();
        this.#mendAgainAt = now + Math.max(MEND_EVERY_MS, (now - startedAt) * REST_FACTOR);
        this.#mending = undefined;
      });
    return this.#mending;
  }

  async #run(): Promise<void> {
    const connection = await connectToNats('issuer-revocations', this.nats, this.logger, this.#stopped.signal);
    if (connection === undefined) return;
    if (this.#stopped.signal.aborted) return connection.close();
    this.#connection = connection;
    // Started before the comparison: if the connection is closed by a stop in the meantime, a listing started later would never end.
    const statuses = connection.status();
    // A request left unanswered by a stop does not end either.
    await Promise.race([this.mend(), connection.closed()]);
    for await (const { type } of statuses) {
      if (type === 'disconnect') {
        this.#bucket = undefined;
        this.#failingSince = undefined;
        this.#lastError = 'disconnected from NATS';
      }
      if (type === 'reconnect') void this.mend();
    }
  }

  async #compare(): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined || connection.isClosed()) return;
    const { bucket, repaired, ofUnknownKey } = await this.#comparison.run(() =>
      openRevocationBucket(connection, this.options),
    );
    this.#bucket = bucket;
    this.#ofUnknownKey = ofUnknownKey;
    this.#comparedAt = this.clock();
    this.#unpushed = 0;
    this.#lastError = null;
    this.#failingSince = undefined;
    this.#writer.compared();
    await this.#stateList();
    if (repaired > 0) this.logger.info({ repaired }, 'the revocation bucket was repaired');
  }

  /** What was committed while the bucket was unavailable, or by a replica that died before it could push. */
  async #pushMissing(): Promise<undefined> {
    if (this.#mending !== undefined) return;
    try {
      await this.store.numberNew();
      const rows = await this.store.unpushed(this.clock());
      this.#unpushed = rows.length;
      if (this.#bucket === undefined || performance.now() > this.#mendAgainAt) {
        // Not awaited: a comparison left unanswered by a stop never ends.
        if (this.#connection?.isClosed() === false) void this.mend();
        return;
      }
      const bucket = this.#bucket;
      await this.#writer.putAll(bucket, rows);
      if (rows.length === 0) return;
      await this.store.markPushed(rows, this.clock());
      this.#unpushed = 0;
    } catch (error) {
      this.#failed(error);
    }
  }

  async #stateList(): Promise<undefined> {
    if (this.#bucket === undefined) return;
    try {
      if (!(await this.#writer.stateList(this.#bucket))) this.mendSoon();
    } catch (error) {
      this.#failed(error);
    }
  }

  #isStuck(): boolean {
    return this.#failingSince !== undefined && performance.now() - this.#failingSince > STUCK_AFTER_MS;
  }

  #failed(error: unknown): void {
    if (this.#stopped.signal.aborted) return;
    const { reason } = databaseReasonOf(error);
    if (reason !== this.#lastError)
      this.logger.warn({ reason }, 'the revocation bucket is behind; it will be repaired');
    this.#lastError = reason;
    if (this.#connection?.isClosed() === false) this.#failingSince ??= performance.now();
    // A bucket that does not answer may be lost: the next round opens or recreates it.
    this.#bucket = undefined;
  }
}
