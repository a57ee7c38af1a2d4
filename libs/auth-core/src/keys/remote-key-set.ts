import { boundedBody } from '../bounded-body.js';
import { type VerificationKey } from './jwk.js';
import { JWKS_SIZE_LIMIT, keysOfDocument } from './jwks-document.js';
import { JwksFile } from './jwks-file.js';
import { UnknownKeys } from './unknown-keys.js';

export interface RemoteKeySetOptions {
  readonly url: string;
  readonly fetch: typeof globalThis.fetch;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Milliseconds that one fetch may take. */
  readonly timeoutMs: number;
  /** Seconds between two background refreshes at the most; fewer when the answer's `Cache-Control: max-age` asks for it. */
  readonly refreshIntervalSeconds: number;
  /** Seconds in which unknown `kid`s cause one fetch at the most. */
  readonly cooldownSeconds: number;
  /** Seconds for which the last good set is kept through an outage of the issuer. */
  readonly maxStaleSeconds: number;
  /** A file that keeps the last good set through a restart; none when left out. */
  readonly cacheFile?: string | undefined;
  /** Told of the set after each fetch that brought one. */
  readonly onKeys: (keyIds: ReadonlySet<string>) => void;
}

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 30_000;
/** Seconds between two background refreshes at the least, whatever `max-age` says. */
const REFRESH_AT_LEAST_SECONDS = 10;
/** Part of `max-age` after which the set is fetched again. */
const REFRESH_AT = 0.8;

/** `max-age` of an answer (RFC 9111, section 5.2.2.1). @returns seconds, or nothing when it says none */
function maxAgeOf(headers: Headers): number | undefined {
  const [, seconds] = /(?:^|[\s,])max-age="?(\d{1,9})"?/i.exec(headers.get('cache-control') ?? '') ?? [];
  return seconds === undefined ? undefined : Number(seconds);
}

/**
 * The issuer's keys (RFC 7517), held in memory: refreshed in the background before they go stale, kept through an outage, one fetch at
 * a time. A failed fetch is tried again with growing pauses. An answer that did not change costs the issuer a 304.
 */
export class RemoteKeySet {
  readonly #unknown: UnknownKeys;
  readonly #file: JwksFile | undefined;
  #keys: ReadonlyMap<string, VerificationKey> = new Map();
  #document: Buffer = Buffer.alloc(0);
  #etag: string | undefined;
  #usableUntil = -Infinity;
  #fetching: Promise<boolean> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #retryMs = FIRST_RETRY_MS;
  #closed = false;
  /** Why the last fetch failed; empty when it did not. */
  lastError = '';

  constructor(private readonly options: RemoteKeySetOptions) {
    this.#unknown = new UnknownKeys(options.cooldownSeconds);
    this.#file = options.cacheFile === undefined ? undefined : new JwksFile(options.cacheFile);
  }

  /** Whether there are keys, and not older than the outage limit. */
  get usable(): boolean {
    return this.usableAt(this.options.now());
  }

  /** As {@link usable}, at a time. @param now milliseconds */
  usableAt(now: number): boolean {
    return now <= this.#usableUntil;
  }

  get(keyId: string): VerificationKey | undefined {
    return this.#keys.get(keyId);
  }

  /** Fetches now, or joins the fetch under way. @returns whether there are keys that the issuer has just confirmed, or stored ones */
  refresh(): Promise<boolean> {
    this.#fetching ??= this.#load().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  /**
   * One fetch for an unknown `kid`; within the cool-down none, whatever arrives, and none for one that was just looked for in vain.
   * @returns whether a fetch was made and brought keys
   */
  async refreshForUnknownKey(keyId?: string): Promise<boolean> {
    if (this.#fetching === undefined && !this.#unknown.mayFetch(keyId, this.options.now())) return false;
    const fetched = await this.refresh();
    if (fetched && keyId !== undefined && !this.#keys.has(keyId)) this.#unknown.penalise(keyId, this.options.now());
    return fetched;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #load(): Promise<boolean> {
    clearTimeout(this.#timer);
    try {
      const seconds = await this.#fetch();
      this.#retryMs = FIRST_RETRY_MS;
      this.lastError = '';
      this.#schedule(seconds * 1_000 * (0.9 + Math.random() * 0.1));
      return true;
    } catch (error) {
      this.lastError = error instanceof Error ? error.message : String(error);
      this.#schedule(this.#retryMs * (0.5 + Math.random()));
      this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
      return this.#keys.size === 0 && (await this.#loadFile());
    }
  }

  /** @returns seconds until the next refresh */
  async #fetch(): Promise<number> {
    const { url, now, maxStaleSeconds, refreshIntervalSeconds, timeoutMs } = this.options;
    const response = await this.options.fetch(url, {
      headers: {
        accept: 'application/jwk-set+json, application/json',
        ...(this.#etag === undefined ? {} : { 'if-none-match': this.#etag }),
      },
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    });
    const unchanged = response.status === 304 && this.#etag !== undefined;
    if (!response.ok && !unchanged) throw new Error(`the JWKS was answered with ${String(response.status)}`);
    if (!unchanged) {
      this.#take(await boundedBody(response, JWKS_SIZE_LIMIT), response.headers.get('etag') ?? undefined);
    }
    const fetchedAt = now();
    this.#usableUntil = fetchedAt + maxStaleSeconds * 1_000;
    await this.#file?.write({ url, fetchedAt, etag: this.#etag, jwks: this.#document }).catch((error: unknown) => {
      process.emitWarning(`the keys could not be stored: ${String(error)}`, { code: 'COUNTERSIGN_JWKS_FILE' });
    });
    const wished = (maxAgeOf(response.headers) ?? Infinity) * REFRESH_AT;
    return Math.min(Math.max(wished, REFRESH_AT_LEAST_SECONDS), refreshIntervalSeconds);
  }

  #take(document: Buffer, etag: string | undefined): void {
    this.#keys = keysOfDocument(document);
    this.#document = document;
    this.#etag = etag;
    this.options.onKeys(new Set(this.#keys.keys()));
  }

  /** The issuer is away at start: the set of the last run, unless it is older than an outage may be. */
  async #loadFile(): Promise<boolean> {
    const { url, now, maxStaleSeconds } = this.options;
    try {
      const stored = await this.#file?.read(url);
      const usableUntil = (stored?.fetchedAt ?? -Infinity) + maxStaleSeconds * 1_000;
      if (stored === undefined || usableUntil < now() || stored.fetchedAt > now() + 60_000) return false;
      this.#take(stored.jwks, stored.etag);
      this.#usableUntil = usableUntil;
      return true;
    } catch (error) {
      this.lastError += `; the stored keys cannot be used: ${error instanceof Error ? error.message : String(error)}`;
      return false;
    }
  }

  #schedule(ms: number): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => {
      void this.refresh();
    }, ms);
    this.#timer.unref();
  }
}
