import { setTimeout as delay } from 'node:timers/promises';
import { jittered, messageOf, TokenError, type Principal, type Revocation } from '@countersign/auth-core';
import { RemoteKeySet } from '@countersign/auth-core/jws';
import { type NatsConnection, type Subscription } from '@nats-io/nats-core';
import { BucketList } from './bucket-list.js';
import { BUCKET_CHANGES, bucketKeyOfMessage, DIGEST_KEY, REVOCATIONS_GET } from './bucket-reader.js';
import { FeedHealth } from './feed-health.js';
import {
  type FeedLogger,
  type RevocationFeed,
  type RevocationFeedOptions,
  type RevocationFeedState,
} from './feed-options.js';
import { FirstLoad } from './first-load.js';
import { HeldList, type HeldListOptions } from './held-list.js';
import { KeptList } from './kept-list.js';
import { StatementError } from './read-statement.js';
import { type Statement } from './statement.js';

/** Milliseconds of silence after which the feed logs what it is still waiting for. */
const SAY_AFTER_MS = 4_000;
/** Milliseconds for which `loaded` waits. */
const LOAD_LIMIT_MS = 30_000;
/** Milliseconds before a failed step is retried. */
const RETRY_MS = 500;
/** Milliseconds between two writes of the stored list. */
const KEEP_EVERY_MS = 10_000;

class BucketFeed implements RevocationFeed {
  readonly loaded: Promise<void>;
  readonly #stopped = new AbortController();
  readonly #listeners: ((revocation: Revocation) => void)[] = [];
  readonly #running: Promise<void>;
  readonly #now: () => number;
  readonly #logger: FeedLogger;
  readonly #keys: RemoteKeySet;
  readonly #keysUrl: string;
  readonly #kept: KeptList | undefined;
  readonly #health: FeedHealth;
  readonly #list: BucketList;
  #keyIds: ReadonlySet<string> = new Set();
  readonly #firstLoad: FirstLoad;
  /** What it is waiting for. */
  #doing = 'connecting to NATS';
  #keptAt = -Infinity;
  #wake: () => void = () => undefined;

  constructor(private readonly options: RevocationFeedOptions) {
    const { issuer, keysUrl, keysFile, listFile } = options;
    this.#now = options.now ?? Date.now;
    this.#logger = options.logger ?? {
      info: () => undefined,
      warn: (fields, message) => {
        if (!this.#firstLoad.isDone) console.warn(`revocation feed: ${message}`, fields);
      },
    };
    this.#health = new FeedHealth(options, this.#logger, this.#now, () => this.#firstLoad.isDone);
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
      onFileFailure: (reason) => {
        this.#health.keptKeys(reason);
      },
      onKeys: ({ all }) => {
        this.#keysChanged(new Set(all.map(({ keyId }) => keyId)));
      },
    });
    this.#list = new BucketList({
      getSubject: options.getSubject ?? REVOCATIONS_GET,
      makeList: () => this.#emptyList(),
      fetchKey: (keyId) => this.#keys.refreshForUnknownKey(keyId),
      onRevocation: (revocation) => {
        for (const listener of this.#listeners) listener(revocation);
      },
      onRefused: (key, error) => {
        this.#refused(key, error);
      },
      pause: (ms) => this.#pause(ms),
    });
    this.#firstLoad = new FirstLoad(
      options.loadLimitMs ?? LOAD_LIMIT_MS,
      () => this.#health.lastError ?? `still ${this.#doing}`,
    );
    this.loaded = this.#firstLoad.promise;
    this.#running = this.#run();
  }

  onRevocation(listener: (revocation: Revocation) => void): void {
    this.#listeners.push(listener);
  }

  isRevoked(principal: Principal, keyId: string): boolean {
    if (this.#list.held.isRevoked(principal, keyId)) return true;
    if (this.#health.isRefusing) throw new TokenError('REVOCATIONS_UNAVAILABLE');
    return false;
  }

  state(): RevocationFeedState {
    const { size, stated } = this.#list.held;
    return this.#health.state(size, stated?.number);
  }

  async close(): Promise<void> {
    this.#stopped.abort();
    this.#firstLoad.giveUp('the feed was closed');
    this.#wake();
    this.#keys.close();
    await this.#running;
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
    // What it signed must not stay.
    if (isGone) this.#list.startAgain();
    if (!this.#firstLoad.isDone) void this.#readKept();
    this.#wake();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    const keys = this.#keys.refresh();
    // A message during the quiet start would be lost.
    const sayAfterMs = Math.max(SAY_AFTER_MS, (this.options.quietStartMs ?? 0) + 1);
    while (!signal.aborted) {
      let connection: NatsConnection | undefined;
      const saying = setTimeout(() => {
        if (this.#health.lastError === null && this.#health.isLost) this.#lost(new Error(`still ${this.#doing}`));
      }, sayAfterMs);
      try {
        this.#doing = 'connecting to NATS';
        connection = await this.options.connect(signal).catch((error: unknown) => {
          throw new Error(`cannot connect to NATS: ${messageOf(error)}`, { cause: error });
        });
        this.#doing = `fetching the issuer's revocation keys from ${this.#keysUrl}`;
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
        await this.#check(connection);
      } catch (error) {
        this.#lost(error);
        next = Math.min(checkIntervalMs, RETRY_MS);
      }
      await this.#rest(next);
    }
    // Closing the connection ends the status and change iterators, and thereby their listeners.
    await connection.close().catch(() => undefined);
    await Promise.all([watching, listening]);
  }

  async #listen(changes: Subscription): Promise<void> {
    try {
      for await (const message of changes) {
        const key = bucketKeyOfMessage(message);
        if (key === undefined) continue;
        const statement = await this.#list.take(key, message.string());
        if (statement === undefined && key !== DIGEST_KEY) this.#wake();
        else if (key === DIGEST_KEY) this.#compare();
        if (statement !== undefined) this.#pushed(statement);
      }
    } catch (error) {
      this.#lost(error);
      this.#wake();
    }
  }

  async #check(connection: NatsConnection): Promise<void> {
    if (!this.#keys.usable) throw new Error(`the issuer's revocation keys are not available: ${this.#keys.lastError}`);
    const { at } = await this.#list.update(connection, this.#health.isLost);
    this.#isComplete(at);
    const { silenceSeconds = 60 } = this.options;
    const silence = this.#now() / 1_000 - at;
    if (silence > silenceSeconds)
      throw new Error(`the issuer has published nothing for ${String(Math.round(silence))} s`);
    this.#current();
  }

  #refused(key: string, error: unknown): void {
    if (error instanceof StatementError) this.#health.unreadable();
    const reason = messageOf(error);
    this.#lost(new Error(`the entry ${key.slice(0, 100)} cannot be accepted: ${reason}`));
  }

  #pushed({ madeAt }: Statement): void {
    this.options.onPushed?.(this.#health.pushed(madeAt) / 1_000);
  }

  #compare(): void {
    const { stated, isComplete } = this.#list.held;
    if (stated !== undefined && isComplete) this.#isComplete(stated.at);
    else this.#wake();
  }

  #isComplete(at: number): void {
    this.#health.completeUntil(at * 1_000);
    void this.#keep();
  }

  #current(): void {
    this.#health.current(this.#list.held.size);
    this.#firstLoad.done();
  }

  #lost(error: unknown): void {
    if (!this.#stopped.signal.aborted) this.#health.lost(error);
  }

  async #keep(): Promise<void> {
    if (this.#kept === undefined || this.#now() - this.#keptAt < KEEP_EVERY_MS) return;
    this.#keptAt = this.#now();
    try {
      await this.#kept.write(this.#list.held);
      this.#health.kept();
    } catch (error) {
      this.#health.kept(error);
    }
  }

  /** A stored list counts like one that has been lost since it was last stated. */
  async #readKept(): Promise<void> {
    if (this.#kept === undefined) return;
    const kept = this.#emptyList();
    try {
      if (!(await this.#kept.read(kept))) return;
    } catch (error) {
      this.#logger.warn({ err: error }, 'the stored revocation list is not used');
      return;
    }
    const at = (kept.stated?.at ?? 0) * 1_000;
    if (this.#firstLoad.isDone || this.#health.isTooOld(at)) return;
    this.#list.hold(kept);
    this.#health.completeUntil(at);
    this.#firstLoad.done();
  }

  /** Sleeps, unless a check is requested. */
  async #rest(ms: number): Promise<void> {
    const waking = new AbortController();
    this.#wake = () => {
      waking.abort();
    };
    await delay(jittered(ms), undefined, {
      signal: AbortSignal.any([this.#stopped.signal, waking.signal]),
    }).catch(() => undefined);
  }

  async #pause(ms: number): Promise<void> {
    await delay(jittered(ms), undefined, { signal: this.#stopped.signal }).catch(() => undefined);
  }
}

/**
 * Follows the revocation bucket. It never throws: until there is a list, and while it is lost, the policies decide. It trusts nothing but
 * the issuer's signatures, and counts as current only while it has everything that the issuer states.
 * Entries are kept through any loss of the bucket until they expire.
 */
export function startRevocationFeed(options: RevocationFeedOptions): RevocationFeed {
  return new BucketFeed(options);
}
