import { setTimeout as delay } from 'node:timers/promises';
import { MemoryRevocationList, TokenError, type Principal, type RevocationList } from '@countersign/auth-core';
import { type KV, type KvWatchEntry } from '@nats-io/kv';
import { type NatsConnection, type QueuedIterator } from '@nats-io/nats-core';
import { openRevocationBucket } from './revocation-bucket.js';
import { parseRevocation } from './revocation.js';

export interface FeedLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface RevocationFeedOptions {
  /**
   * Connects to NATS; called again after a failure and after the connection has closed. Let it reconnect by itself for ever.
   * The signal ends an attempt that is no longer wanted.
   */
  readonly connect: (signal: AbortSignal) => Promise<NatsConnection>;
  /**
   * What a validator does that has lost the feed: `accept` goes on with what it holds, for `graceSeconds`, and then refuses;
   * `refuse` answers 503 at once. `accept` by default.
   */
  readonly whenLost?: 'accept' | 'refuse';
  /** Seconds of `accept`: as long as a token may live, 900 by default. */
  readonly graceSeconds?: number;
  /**
   * Entries held at the most; 1,000,000 by default, more than a full bucket has. None is dropped for another: a list that is full keeps what it
   * holds and counts as lost, so that `whenLost` decides, until enough of its entries no longer matter.
   */
  readonly entryLimit?: number;
  /** Milliseconds between two comparisons with the bucket's state; 5,000 by default. */
  readonly checkIntervalMs?: number;
  /** Told of each pushed entry: seconds from the server's having stored it to its being in force here. */
  readonly onPushed?: (delaySeconds: number) => void;
  readonly logger?: FeedLogger;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
}

export interface RevocationFeedState {
  /** `loading` until the bucket was first read whole; `lost` while the bucket cannot be watched. */
  readonly state: 'loading' | 'current' | 'lost';
  /** Entries held. */
  readonly entries: number;
  /** Since when the feed is not current; nothing while it is. */
  readonly lostSince: string | null;
  /** Whether tokens are refused because of it. */
  readonly refusing: boolean;
  /** Milliseconds from the server's having stored the last pushed entry to its being in force here. */
  readonly lagMs: number | null;
  readonly lastError: string | null;
}

/** Revocations in memory, kept current by the bucket. Give it to a verifier as its `revocations`. */
export interface RevocationFeed extends RevocationList {
  state(): RevocationFeedState;
  /** Resolves once the bucket was first read whole. */
  readonly loaded: Promise<void>;
  close(): Promise<void>;
}

const noLogger: FeedLogger = { info: () => undefined, warn: () => undefined };
/** Milliseconds before the bucket is opened again. */
const RETRY_MS = 200;
/** Seconds beyond its time after which an entry is not taken in: no clock is off by that much. */
const PAST_SECONDS = 60;
/** Comparisons that may find us behind before the bucket is read anew. */
const BEHIND_LIMIT = 2;

class BucketFeed implements RevocationFeed {
  readonly loaded: Promise<void>;
  readonly #list: MemoryRevocationList;
  readonly #stopped = new AbortController();
  readonly #running: Promise<void>;
  readonly #now: () => number;
  readonly #logger: FeedLogger;
  #markLoaded: () => void = () => undefined;
  #wasLoaded = false;
  #lostAt: number | undefined;
  #lagMs: number | null = null;
  #lastError: string | null = null;
  #watching: QueuedIterator<KvWatchEntry> | undefined;

  constructor(private readonly options: RevocationFeedOptions) {
    this.#now = options.now ?? Date.now;
    this.#list = new MemoryRevocationList(options.entryLimit);
    this.#logger = options.logger ?? noLogger;
    this.#lostAt = this.#now();
    this.loaded = new Promise((resolve) => {
      this.#markLoaded = resolve;
    });
    this.#running = this.#run();
  }

  isRevoked(principal: Principal, keyId: string): boolean {
    if (this.#list.isRevoked(principal, keyId)) return true;
    if (this.#lostAt !== undefined && this.#refusing()) throw new TokenError('REVOCATIONS_UNAVAILABLE');
    return false;
  }

  state(): RevocationFeedState {
    return {
      state: this.#lostAt === undefined ? 'current' : this.#wasLoaded ? 'lost' : 'loading',
      entries: this.#list.size,
      lostSince: this.#lostAt === undefined ? null : new Date(this.#lostAt).toISOString(),
      refusing: this.#refusing(),
      lagMs: this.#lagMs,
      lastError: this.#lastError,
    };
  }

  async close(): Promise<void> {
    this.#stopped.abort();
    this.#watching?.stop();
    await this.#running;
  }

  #refusing(): boolean {
    if (this.#lostAt === undefined) return false;
    const { whenLost = 'accept', graceSeconds = 900 } = this.options;
    return whenLost === 'refuse' || this.#now() - this.#lostAt > graceSeconds * 1_000;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      let connection: NatsConnection | undefined;
      try {
        connection = await this.options.connect(signal);
        await this.#follow(connection);
      } catch (error) {
        this.#lost(error);
      }
      await connection?.close().catch(() => undefined);
      await this.#pause(RETRY_MS * 5);
    }
  }

  /** Watches, and reads the bucket anew after each loss, for as long as the connection lives. */
  async #follow(connection: NatsConnection): Promise<void> {
    const statuses = connection.status();
    const listening = (async () => {
      for await (const { type } of statuses) {
        if (type !== 'disconnect') continue;
        this.#lost(new Error('disconnected from NATS'));
        this.#watching?.stop();
      }
    })();
    while (!this.#stopped.signal.aborted && !connection.isClosed()) {
      try {
        await this.#watch(await openRevocationBucket(connection));
      } catch (error) {
        this.#lost(error);
      }
      await this.#pause(RETRY_MS);
    }
    // Closing the connection ends the statuses, and so the listener.
    await connection.close().catch(() => undefined);
    await listening;
  }

  /** Reads what the bucket holds and then what is put into it, until that can no longer be trusted. */
  async #watch(bucket: KV): Promise<void> {
    const { values, streamInfo } = await bucket.status();
    let seen = streamInfo.state.last_seq;
    let behind = 0;
    let current = false;
    let fault: Error | undefined;
    this.#list.prune(this.#now() / 1_000);
    const entries = await bucket.watch();
    this.#watching = entries;
    const found = (): void => {
      current = true;
      this.#current();
    };
    const check = async (): Promise<void> => {
      this.#list.prune(this.#now() / 1_000);
      const { streamInfo: info, values: left } = await bucket.status();
      if (info.created !== streamInfo.created) throw new Error('the bucket was made anew');
      if (!current && left === 0) found();
      behind = current && info.state.last_seq <= seen ? 0 : behind + 1;
      if (behind >= BEHIND_LIMIT) throw new Error('entries did not arrive');
    };
    const timer = setInterval(() => {
      check().catch((error: unknown) => {
        fault = error instanceof Error ? error : new Error(String(error));
        entries.stop();
      });
    }, this.options.checkIntervalMs ?? 5_000);
    timer.unref();
    try {
      if (values === 0) found();
      for await (const entry of entries) {
        seen = Math.max(seen, entry.revision);
        this.#take(entry, current);
        if (!current && entry.delta === 0) found();
      }
    } finally {
      clearInterval(timer);
      this.#watching = undefined;
      entries.stop();
    }
    throw fault ?? new Error('the watch ended');
  }

  #take(entry: KvWatchEntry, pushed: boolean): void {
    if (entry.operation !== 'PUT') return;
    const revocation = parseRevocation(entry.key, entry.string());
    if (revocation === undefined) {
      this.#logger.warn({ key: entry.key }, 'an entry of the revocation bucket is not understood');
      return;
    }
    if (revocation.until < this.#now() / 1_000 - PAST_SECONDS) return;
    this.#list.add(revocation);
    if (!pushed) return;
    this.#lagMs = Math.max(0, this.#now() - entry.created.getTime());
    this.options.onPushed?.(this.#lagMs / 1_000);
  }

  #current(): void {
    if (this.#lostAt !== undefined) this.#logger.info({ entries: this.#list.size }, 'revocations are current');
    this.#lostAt = undefined;
    this.#lastError = null;
    this.#wasLoaded = true;
    this.#markLoaded();
  }

  #lost(error: unknown): void {
    if (this.#stopped.signal.aborted) return;
    const reason = error instanceof Error ? error.message : String(error);
    if (this.#lostAt === undefined || reason !== this.#lastError)
      this.#logger.warn({ reason }, 'the revocation feed is lost; trying again');
    this.#lostAt ??= this.#now();
    this.#lastError = reason;
  }

  async #pause(ms: number): Promise<void> {
    await delay(ms * (0.75 + Math.random() / 2), undefined, { signal: this.#stopped.signal }).catch(() => undefined);
  }
}

/**
 * Follows the revocation bucket. It never throws: until the bucket was read, and while it is away, the policy decides.
 * Entries held are kept through any loss of the bucket until they no longer matter.
 */
export function startRevocationFeed(options: RevocationFeedOptions): RevocationFeed {
  return new BucketFeed(options);
}
