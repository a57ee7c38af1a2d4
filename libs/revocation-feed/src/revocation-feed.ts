import { setTimeout as delay } from 'node:timers/promises';
import { TokenError, type Principal, type RevocationList } from '@countersign/auth-core';
import { RemoteKeySet } from '@countersign/auth-core/jws';
import { type NatsConnection, type Subscription } from '@nats-io/nats-core';
import {
  BUCKET_CHANGES,
  bucketKeyOfMessage,
  DIGEST_KEY,
  readBucket,
  readDigestEntry,
  REVOCATIONS_GET,
} from './bucket-reader.js';
import { FirstLoad } from './first-load.js';
import { HeldList, type HeldListOptions } from './held-list.js';
import { KeptList } from './kept-list.js';
import { StatementError, type Statement } from './statement.js';

export interface FeedLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface RevocationFeedOptions {
  /** The issuer identifier, as the tokens have it. */
  readonly issuer: string;
  /** Where the issuer publishes the keys of its revocations; its `/.well-known/revocation-jwks.json` by default. */
  readonly keysUrl?: string | undefined;
  /** A file that keeps the last good of these keys (written 0600), so that a start during an outage of the issuer works; none by default. */
  readonly keysFile?: string | undefined;
  readonly fetch?: typeof globalThis.fetch | undefined;
  /**
   * Connects to NATS; called again after a failure and after the connection has closed. Let it reconnect by itself for ever.
   * The signal ends an attempt that is no longer wanted.
   */
  readonly connect: (signal: AbortSignal) => Promise<NatsConnection>;
  /**
   * The subject to ask for entries: `revocations.get`, the import of another account than the issuer's, by default;
   * `$JS.API.DIRECT.GET.KV_revocations` in the issuer's own account.
   */
  readonly getSubject?: string | undefined;
  /** A file that keeps the list, signed as it is, through a restart; none by default. */
  readonly listFile?: string | undefined;
  /**
   * What a validator does that has lost the feed: `accept` goes on with what it holds, for `graceSeconds`, and then refuses;
   * `refuse` answers 503 at once. `accept` by default.
   */
  readonly whenLost?: 'accept' | 'refuse' | undefined;
  /**
   * What a validator does that holds no list yet: `refuse` answers 503 until it has loaded one, or found a kept one that is not older than
   * `graceSeconds`; `accept` takes every token for `graceSeconds`. `refuse` by default.
   */
  readonly atStart?: 'accept' | 'refuse' | undefined;
  /** Seconds of `accept`: as long as a token may live, 900 by default. */
  readonly graceSeconds?: number | undefined;
  /** Seconds for which the issuer may state nothing before the list counts as lost; 60 by default. It states the list every ten. */
  readonly silenceSeconds?: number | undefined;
  /**
   * Entries held at most; 1,000,000 by default, more than a full bucket has. None is dropped for another: a list that is full keeps what it
   * holds and counts as lost, so that `whenLost` decides, until enough of its entries no longer matter.
   */
  readonly entryLimit?: number | undefined;
  /**
   * Milliseconds after which `loaded` gives up, with the reason; 30,000 by default. The feed itself goes on trying.
   */
  readonly loadLimitMs?: number | undefined;
  /** Milliseconds between two comparisons with what the issuer states; 5,000 by default. */
  readonly checkIntervalMs?: number | undefined;
  /** Told of each pushed entry: seconds from the issuer's having made it to its being in force here. */
  readonly onPushed?: ((delaySeconds: number) => void) | undefined;
  /** Without one, only what keeps the first list from being loaded goes to the console. */
  readonly logger?: FeedLogger | undefined;
  /** Milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
}

export interface RevocationFeedState {
  /** `loading` until a whole list was first there; `current` while it is all that the issuer states; else `lost`. */
  readonly state: 'loading' | 'current' | 'lost';
  /** Entries held. */
  readonly entries: number;
  /** The last revocation that the held list is known to reach to, in the issuer's count; nothing before a whole list was there. */
  readonly number: number | null;
  /** Until when the held list is known to be complete. */
  readonly completeUntil: string | null;
  /** Since when the feed is not current; nothing while it is. */
  readonly lostSince: string | null;
  /** Whether tokens are refused because of it. */
  readonly refusing: boolean;
  /** Entries that came and were not to be believed. */
  readonly unreadable: number;
  /** Milliseconds from the issuer's having made the last pushed entry to its being in force here. */
  readonly lagMs: number | null;
  readonly lastError: string | null;
}

/** Revocations in memory, kept current by the bucket. Give it to a verifier as its `revocations`. */
export interface RevocationFeed extends RevocationList {
  state(): RevocationFeedState;
  /**
   * Resolves once a whole list is there: from the bucket, or a kept one that is not too old. Rejects with {@link RevocationFeedError} after
   * `loadLimitMs`, or when the feed is closed before; nobody has to wait for it.
   */
  readonly loaded: Promise<void>;
  close(): Promise<void>;
}

/** Milliseconds of silence after which the feed says what it still waits for. */
const SAY_AFTER_MS = 4_000;
/** Milliseconds for which `loaded` waits. */
const LOAD_LIMIT_MS = 30_000;
/** Milliseconds before what failed is tried again. */
const RETRY_MS = 500;
/** Milliseconds for which an entry may be behind the statement that counts it. */
const SETTLING_MS = 250;
/** Milliseconds between two writes of the kept list. */
const KEEP_EVERY_MS = 10_000;
/** Milliseconds for which entries are verified in one go, so that requests are answered while a long list is read. */
const SLICE_MS = 5;

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

class BucketFeed implements RevocationFeed {
  readonly loaded: Promise<void>;
  readonly #stopped = new AbortController();
  readonly #running: Promise<void>;
  readonly #now: () => number;
  readonly #logger: FeedLogger;
  readonly #keys: RemoteKeySet;
  readonly #keysUrl: string;
  readonly #kept: KeptList | undefined;
  readonly #startedAt: number;
  #held: HeldList;
  /** Made from nothing beside the one that is held, when a key is no longer the issuer's: what it signed must not stay. */
  #next: HeldList | undefined;
  #keyIds: ReadonlySet<string> = new Set();
  readonly #firstLoad: FirstLoad;
  /** What it waits for just now. */
  #doing = 'connecting to NATS';
  /** Milliseconds since 1970. */
  #completeUntil: number | undefined;
  #lostAt: number | undefined;
  #unreadable = 0;
  #lagMs: number | null = null;
  #lastError: string | null = null;
  /** The stream's number up to which the bucket was read. */
  #through = 0;
  #keptAt = -Infinity;
  #sliceEnd = 0;
  #wake: () => void = () => undefined;

  constructor(private readonly options: RevocationFeedOptions) {
    const { issuer, keysUrl, keysFile, listFile } = options;
    this.#now = options.now ?? Date.now;
    this.#startedAt = this.#now();
    this.#logger = options.logger ?? {
      info: () => undefined,
      warn: (fields, message) => {
        if (!this.#firstLoad.isDone) console.warn(`revocation feed: ${message}`, fields);
      },
    };
    this.#lostAt = this.#startedAt;
    this.#kept = listFile === undefined ? undefined : new KeptList(listFile, issuer);
    this.#keysUrl = keysUrl ?? `${issuer.replace(/\/$/, '')}/.well-known/revocation-jwks.json`;
    this.#keys = new RemoteKeySet({
      source: this.#keysUrl,
      purpose: 'revocation',
      fetch: options.fetch ?? ((...request) => fetch(...request)),
      now: this.#now,
      timeoutMs: 5_000,
      refreshIntervalSeconds: 240,
      cooldownSeconds: 10,
      maxStaleSeconds: 7 * 86_400,
      cacheFile: keysFile,
      onKeys: ({ all }) => {
        this.#keysChanged(new Set(all.map(({ keyId }) => keyId)));
      },
    });
    this.#held = this.#emptyList();
    this.#firstLoad = new FirstLoad(
      options.loadLimitMs ?? LOAD_LIMIT_MS,
      () => this.#lastError ?? `still ${this.#doing}`,
    );
    this.loaded = this.#firstLoad.promise;
    this.#running = this.#run();
  }

  isRevoked(principal: Principal, keyId: string): boolean {
    if (this.#held.isRevoked(principal, keyId)) return true;
    if (this.#lostAt !== undefined && this.#refusing()) throw new TokenError('REVOCATIONS_UNAVAILABLE');
    return false;
  }

  state(): RevocationFeedState {
    const time = (ms: number | undefined): string | null => (ms === undefined ? null : new Date(ms).toISOString());
    return {
      state: this.#lostAt === undefined ? 'current' : this.#firstLoad.isDone ? 'lost' : 'loading',
      entries: this.#held.size,
      number: this.#completeUntil === undefined ? null : (this.#held.stated?.number ?? null),
      completeUntil: time(this.#completeUntil),
      lostSince: time(this.#lostAt),
      refusing: this.#refusing(),
      unreadable: this.#unreadable,
      lagMs: this.#lagMs,
      lastError: this.#lastError,
    };
  }

  async close(): Promise<void> {
    this.#stopped.abort();
    this.#firstLoad.giveUp('the feed was closed');
    this.#wake();
    this.#keys.close();
    await this.#running;
  }

  #refusing(): boolean {
    if (this.#lostAt === undefined) return false;
    const { whenLost = 'accept', atStart = 'refuse', graceSeconds = 900 } = this.options;
    const known = this.#completeUntil ?? this.#startedAt;
    const policy = this.#firstLoad.isDone ? whenLost : atStart;
    return policy === 'refuse' || this.#now() - known > graceSeconds * 1_000;
  }

  #emptyList(): HeldList {
    const options: HeldListOptions = {
      issuer: this.options.issuer,
      keys: () => this.#keys.keys,
      entryLimit: this.options.entryLimit,
      keepsTexts: this.#kept !== undefined,
      now: this.#now,
    };
    return new HeldList(options);
  }

  #keysChanged(keyIds: ReadonlySet<string>): void {
    const isGone = [...this.#keyIds].some((keyId) => !keyIds.has(keyId));
    this.#keyIds = keyIds;
    if (isGone) this.#next = this.#emptyList();
    if (!this.#firstLoad.isDone) void this.#readKept();
    this.#wake();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    const keys = this.#keys.refresh();
    while (!signal.aborted) {
      let connection: NatsConnection | undefined;
      const saying = setTimeout(() => {
        if (this.#lastError === null && this.#lostAt !== undefined) this.#lost(new Error(`still ${this.#doing}`));
      }, SAY_AFTER_MS);
      try {
        this.#doing = 'connecting to NATS';
        connection = await this.options.connect(signal).catch((error: unknown) => {
          throw new Error(`cannot connect to NATS: ${reasonOf(error)}`, { cause: error });
        });
        this.#doing = `fetching the keys of the issuer's revocations from ${this.#keysUrl}`;
        await keys;
        this.#doing = 'reading the revocation bucket';
        await this.#follow(connection);
      } catch (error) {
        this.#lost(error);
      } finally {
        clearTimeout(saying);
      }
      await connection?.close().catch(() => undefined);
      await this.#pause(RETRY_MS);
    }
  }

  /** Listens to changes, and compares with what the issuer states, for as long as the connection lives. */
  async #follow(connection: NatsConnection): Promise<void> {
    const statuses = connection.status();
    const watching = (async () => {
      for await (const { type } of statuses) {
        if (type === 'disconnect') this.#lost(new Error('disconnected from NATS'));
        if (type === 'disconnect' || type === 'reconnect') this.#wake();
      }
    })();
    const changes = connection.subscribe(BUCKET_CHANGES);
    const listening = this.#listen(changes);
    const { checkIntervalMs = 5_000 } = this.options;
    while (!this.#stopped.signal.aborted && !connection.isClosed() && !changes.isClosed()) {
      let next = checkIntervalMs;
      try {
        await this.#look(connection);
      } catch (error) {
        this.#lost(error);
        next = Math.min(checkIntervalMs, RETRY_MS);
      }
      await this.#rest(next);
    }
    // Closing the connection ends the statuses and the changes, and so who listens to them.
    await connection.close().catch(() => undefined);
    await Promise.all([watching, listening]);
  }

  async #listen(changes: Subscription): Promise<void> {
    try {
      for await (const message of changes) {
        const key = bucketKeyOfMessage(message);
        if (key === undefined) continue;
        const statement = await this.#take(key, message.string());
        if (statement === undefined && key !== DIGEST_KEY) this.#wake();
        else if (key === DIGEST_KEY) this.#compare();
        if (statement !== undefined) this.#pushed(statement);
      }
    } catch (error) {
      this.#lost(error);
      this.#wake();
    }
  }

  /** Brings the list to what the issuer states now: first by waiting a moment, then by reading what is new, then by reading everything. */
  async #look(connection: NatsConnection): Promise<void> {
    if (!this.#keys.usable)
      throw new Error(`the keys of the issuer's revocations are not there: ${this.#keys.lastError}`);
    this.#held.prune();
    if (this.#next !== undefined) await this.#rebuild(connection, this.#next);
    if (this.#lostAt !== undefined) await this.#read(connection, this.#through + 1);
    await this.#readStated(connection);
    if (!this.#held.isComplete) {
      await this.#pause(SETTLING_MS);
      await this.#readStated(connection);
    }
    for (const from of [this.#through + 1, 1]) {
      if (this.#held.isComplete) break;
      await this.#read(connection, from);
      await this.#readStated(connection);
    }
    const { stated } = this.#held;
    if (stated === undefined) throw new Error('the issuer has not stated the list');
    if (!this.#held.isComplete) {
      throw new Error(
        `the list is not what the issuer states: ${String(stated.entries)} entries until number ${String(stated.number)}`,
      );
    }
    this.#isComplete(stated.at);
    const { silenceSeconds = 60 } = this.options;
    const silence = this.#now() / 1_000 - stated.at;
    if (silence > silenceSeconds) throw new Error(`the issuer has stated nothing for ${String(Math.round(silence))} s`);
    this.#current();
  }

  async #read(connection: NatsConnection, from: number): Promise<void> {
    const get = this.options.getSubject ?? REVOCATIONS_GET;
    const take = async ({ key, value }: { key: string; value: string }): Promise<void> => {
      await this.#take(key, value);
      await this.#breathe();
    };
    const last = await readBucket(connection, get, from, take);
    // A bucket that is shorter than it was is another one.
    this.#through = last < this.#through && from > 1 ? await readBucket(connection, get, 1, take) : last;
  }

  async #readStated(connection: NatsConnection): Promise<void> {
    const entry = await readDigestEntry(connection, this.options.getSubject ?? REVOCATIONS_GET);
    if (entry !== undefined) await this.#take(DIGEST_KEY, entry.value);
  }

  /** The list from nothing, by the keys of now; it takes the place of the old one once it is whole. */
  async #rebuild(connection: NatsConnection, next: HeldList): Promise<void> {
    await this.#read(connection, 1);
    await this.#readStated(connection);
    if (!next.isComplete || this.#next !== next) return;
    this.#held = next;
    this.#next = undefined;
  }

  /** @returns what an entry says; nothing when it is not to be believed, or is the statement of the whole list */
  async #take(key: string, text: string): Promise<Statement | undefined> {
    try {
      return this.#takeNow(key, text);
    } catch (error) {
      const keyId = error instanceof StatementError ? error.keyId : undefined;
      // A key that is new to us; one that is made up causes no fetch for long.
      if (keyId !== undefined && (await this.#keys.refreshForUnknownKey(keyId))) {
        try {
          return this.#takeNow(key, text);
        } catch (again) {
          this.#refused(key, again);
          return undefined;
        }
      }
      this.#refused(key, error);
      return undefined;
    }
  }

  #takeNow(key: string, text: string): Statement | undefined {
    this.#next?.take(key, text);
    return this.#held.take(key, text);
  }

  #refused(key: string, error: unknown): void {
    if (error instanceof StatementError) this.#unreadable += 1;
    const reason = reasonOf(error);
    this.#lost(new Error(`the entry ${key.slice(0, 100)} cannot be taken: ${reason}`));
  }

  #pushed({ madeAt }: Statement): void {
    this.#lagMs = Math.max(0, this.#now() - madeAt);
    this.options.onPushed?.(this.#lagMs / 1_000);
  }

  #compare(): void {
    const { stated } = this.#held;
    if (stated !== undefined && this.#held.isComplete) this.#isComplete(stated.at);
    else this.#wake();
  }

  #isComplete(at: number): void {
    this.#completeUntil = Math.min(this.#now(), at * 1_000);
    void this.#keep();
  }

  #current(): void {
    if (this.#lostAt !== undefined) this.#logger.info({ entries: this.#held.size }, 'revocations are current');
    this.#lostAt = undefined;
    this.#lastError = null;
    this.#firstLoad.done();
  }

  #lost(error: unknown): void {
    if (this.#stopped.signal.aborted) return;
    const reason = reasonOf(error);
    if (this.#lostAt === undefined || reason !== this.#lastError)
      this.#logger.warn({ reason }, 'the revocation feed is lost; trying again');
    this.#lostAt ??= this.#now();
    this.#lastError = reason;
  }

  async #keep(): Promise<void> {
    if (this.#kept === undefined || this.#now() - this.#keptAt < KEEP_EVERY_MS) return;
    this.#keptAt = this.#now();
    try {
      await this.#kept.write(this.#held);
    } catch (error) {
      this.#logger.warn({ err: error }, 'the revocation list cannot be kept');
    }
  }

  /** A list that was kept is as good as one that has been lost since it was stated. */
  async #readKept(): Promise<void> {
    if (this.#kept === undefined) return;
    const kept = this.#emptyList();
    try {
      if (!(await this.#kept.read(kept))) return;
    } catch (error) {
      this.#logger.warn({ err: error }, 'the kept revocation list is not taken');
      return;
    }
    const at = (kept.stated?.at ?? 0) * 1_000;
    if (this.#firstLoad.isDone || this.#now() - at > (this.options.graceSeconds ?? 900) * 1_000) return;
    this.#held = kept;
    this.#completeUntil = at;
    this.#firstLoad.done();
  }

  async #breathe(): Promise<void> {
    if (performance.now() < this.#sliceEnd) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.#sliceEnd = performance.now() + SLICE_MS;
  }

  /** Rests, unless something asks for a look. */
  async #rest(ms: number): Promise<void> {
    const waking = new AbortController();
    this.#wake = () => {
      waking.abort();
    };
    await delay(ms * (0.75 + Math.random() / 2), undefined, {
      signal: AbortSignal.any([this.#stopped.signal, waking.signal]),
    }).catch(() => undefined);
  }

  async #pause(ms: number): Promise<void> {
    await delay(ms * (0.75 + Math.random() / 2), undefined, { signal: this.#stopped.signal }).catch(() => undefined);
  }
}

/**
 * Follows the revocation bucket. It never throws: until a list was there, and while it is lost, the policies decide. It believes nothing but
 * the issuer's signatures, and counts as current only while it holds all that the issuer states.
 * Entries held are kept through any loss of the bucket until they no longer matter.
 */
export function startRevocationFeed(options: RevocationFeedOptions): RevocationFeed {
  return new BucketFeed(options);
}
