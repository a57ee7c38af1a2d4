import { boundedBody } from '../bounded-body.js';
import { elapsedMs, momentOf, monotonicClock, type Clock, type Moment } from '../clock.js';
import { quiet, type Timer } from '../quiet-timer.js';
import { messageOf, reasonOf } from '../reason.js';
import { undirectedFetch } from '../undirected-fetch.js';
import { type KeyPurpose } from './jwk.js';
import { fixedSource, type KeySource } from './key-source.js';
import { KeySet } from './key-set.js';
import { JWKS_SIZE_LIMIT, keysOfDocument } from './jwks-document.js';
import { JwksFile } from './jwks-file.js';
import { UnknownKeys } from './unknown-keys.js';

export interface RemoteKeySetOptions {
  /** The source of the set: a URL, or a discovery. */
  readonly source: string | KeySource;
  readonly fetch: typeof globalThis.fetch;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Milliseconds of a clock that is never set back; `performance.now` by default. */
  readonly monotonic?: (() => number) | undefined;
  /** Timeout of one fetch in milliseconds. */
  readonly timeoutMs: number;
  /** Maximum seconds between two background refreshes; fewer if the response's `Cache-Control: max-age` asks for it. */
  readonly refreshIntervalSeconds: number;
  /** Seconds in which unknown `kid`s cause at most one fetch. */
  readonly cooldownSeconds: number;
  /** Seconds for which the last good set is used during an outage of the issuer. */
  readonly maxStaleSeconds: number;
  /** A file that keeps the last good set across a restart; none when omitted. */
  readonly cacheFile?: string | undefined;
  /** What the keys must be for; `sig` by default. */
  readonly purpose?: KeyPurpose | undefined;
  /** Called with the set after each fetch that returned one. */
  readonly onKeys: (keys: KeySet) => void;
  /** Called once with the reason why keys cannot be fetched, and again when it changes; with an empty string once they can be again. */
  readonly onFailure?: ((reason: string) => void) | undefined;
  /** Like {@link onFailure}, about storing the set in {@link cacheFile}; a process warning by default. */
  readonly onFileFailure?: ((reason: string) => void) | undefined;
}

function warnOfFile(reason: string): void {
  if (reason === '') return;
  process.emitWarning(`the keys cannot be kept in their file: ${reason}`, { code: 'COUNTERSIGN_JWKS_FILE' });
}

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 30_000;
/** Milliseconds between two tries while there are no keys at all, because until then no request can be served. */
const LAST_RETRY_WITHOUT_KEYS_MS = 2_000;
/** Minimum seconds between two background refreshes, whatever `max-age` says. */
const REFRESH_AT_LEAST_SECONDS = 10;
/** Fraction of `max-age` after which the set is fetched again. */
const REFRESH_AT = 0.8;
/** Maximum milliseconds of a timer: a longer one would fire immediately. */
const TIMER_LIMIT_MS = 2 ** 31 - 1;
/** Milliseconds after which a late refresh counts as overdue: no timer ran, as in a Worker between requests, or in a frozen function. */
const OVERDUE_MS = 5_000;

/** `max-age` of a response (RFC 9111, section 5.2.2.1). @returns seconds; undefined if there is none */
function maxAgeOf(headers: Headers): number | undefined {
  const [, seconds] = /(?:^|[\s,])max-age="?(\d{1,9})"?/i.exec(headers.get('cache-control') ?? '') ?? [];
  return seconds === undefined ? undefined : Number(seconds);
}

/**
 * The issuer's keys (RFC 7517), held in memory: refreshed in the background before they go stale, kept through an outage, one fetch at a time. A
 * failed fetch is retried with growing pauses. An unchanged set costs the issuer only a 304.
 */
export class RemoteKeySet {
  readonly #unknown: UnknownKeys;
  readonly #file: JwksFile | undefined;
  readonly #clock: Clock;
  readonly #source: KeySource;
  #keys = new KeySet();
  #document: Buffer = Buffer.alloc(0);
  #etag: string | undefined;
  #confirmed: Moment | undefined;
  #usableUntil = -Infinity;
  #stale = false;
  #away = false;
  #fetching: { readonly done: Promise<boolean>; readonly since: Moment } | undefined;
  #due: { readonly since: Moment; readonly ms: number } | undefined;
  #timer: Timer | undefined;
  #retryMs = FIRST_RETRY_MS;
  #closed = false;
  /** Why the last fetch failed; empty when it did not. */
  lastError = '';
  /** Why the last write of the set to its file failed; empty when it succeeded, undefined if there is no file. */
  fileError: string | undefined;

  constructor(private readonly options: RemoteKeySetOptions) {
    this.#clock = { now: options.now, monotonic: options.monotonic ?? monotonicClock };
    const { source } = options;
    this.#source = typeof source === 'string' ? fixedSource(source) : source;
    this.#unknown = new UnknownKeys(options.cooldownSeconds);
    if (options.cacheFile === undefined) return;
    this.#file = new JwksFile(options.cacheFile);
    this.fileError = '';
  }

  /** Whether there are keys that are not older than the outage limit. */
  get usable(): boolean {
    return this.usableAt(this.options.now());
  }

  /** Like {@link usable}, at a given time. @param now milliseconds */
  usableAt(now: number): boolean {
    return now <= this.#usableUntil && !this.#stale;
  }

  /** The keys that were last fetched; use them only while {@link usable}. */
  get keys(): KeySet {
    return this.#keys;
  }

  /** Fetches now, or joins the fetch in progress. @returns whether there are keys that the issuer has just confirmed, or stored ones */
  refresh(): Promise<boolean> {
    const joined = this.#fetching;
    if (joined !== undefined && elapsedMs(this.#clock, joined.since) <= 3 * this.options.timeoutMs) return joined.done;
    // A fetch that has not ended long after its timeout never will: a Worker cancels it with the request that started it.
    const started = {
      since: momentOf(this.#clock),
      done: this.#load().finally(() => {
        if (this.#fetching === started) this.#fetching = undefined;
      }),
    };
    this.#fetching = started;
    return started.done;
  }

  /**
   * Fetches keys whose refresh is overdue, because timers do not run between requests. Waits for the response, so that a withdrawn key is not trusted
   * in the meantime; does not wait while the issuer is unavailable.
   */
  async refreshWhenOverdue(): Promise<void> {
    if (!this.overdue) return;
    const refreshed = this.refresh();
    if (this.lastError === '') await refreshed;
  }

  /** Whether the background refresh is long overdue. */
  get overdue(): boolean {
    const due = this.#due;
    return due !== undefined && elapsedMs(this.#clock, due.since) > due.ms + OVERDUE_MS;
  }

  /**
   * One fetch for an unknown `kid`; none within the cool-down, and none for one that was just not found.
   * @returns whether a fetch was made and returned keys
   */
  async refreshForUnknownKey(keyId?: string): Promise<boolean> {
    const { monotonic } = this.#clock;
    if (this.#fetching === undefined && !this.#unknown.mayFetch(keyId, monotonic())) return false;
    const fetched = await this.refresh();
    if (fetched && keyId !== undefined && this.#keys.withKeyId(keyId).length === 0) {
      this.#unknown.penalise(keyId, monotonic());
    }
    return fetched;
  }

  /**
   * One fetch for keys that have become too old, for example after the machine slept: the first caller starts it, the others join. After a failure
   * nobody waits; the background refresh keeps trying.
   * @returns whether the keys can be used
   */
  async refreshWhenStale(): Promise<boolean> {
    if (!this.usable && !this.#away) await this.refresh();
    return this.usable;
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
      this.#report('');
      this.#schedule(seconds * 1_000 * (0.9 + Math.random() * 0.1));
      return true;
    } catch (error) {
      this.#source.forget();
      const pauseMs = this.#retryMs * (0.5 + Math.random());
      this.#retryMs = Math.min(this.#retryMs * 2, this.usable ? LAST_RETRY_MS : LAST_RETRY_WITHOUT_KEYS_MS);
      this.#stale = this.#isStale();
      const stored = this.#keys.all.length === 0 ? await this.#loadFile() : undefined;
      this.#away = !this.usable;
      this.#report([reasonOf(error), stored?.fault].filter((part) => part !== undefined).join('; '));
      // Last: a retry during the reading of the file would join this fetch, and no other would follow.
      this.#schedule(pauseMs);
      return stored?.loaded === true;
    }
  }

  #report(reason: string): void {
    const isNew = reason !== this.lastError;
    this.lastError = reason;
    if (isNew) this.options.onFailure?.(reason);
  }

  /** The machine's clock alone is not enough: setting it back would extend the limit. */
  #isStale(): boolean {
    const { maxStaleSeconds } = this.options;
    return this.#confirmed !== undefined && elapsedMs(this.#clock, this.#confirmed) > maxStaleSeconds * 1_000;
  }

  /** @returns seconds until the next refresh */
  async #fetch(): Promise<number> {
    const { now, maxStaleSeconds, refreshIntervalSeconds, timeoutMs } = this.options;
    const signal = AbortSignal.timeout(timeoutMs);
    const url = await this.#source.locate(signal);
    const response = await undirectedFetch(this.options.fetch, url, {
      headers: {
        accept: 'application/jwk-set+json, application/json',
        ...(this.#etag === undefined ? {} : { 'if-none-match': this.#etag }),
      },
      signal,
    });
    const unchanged = response.status === 304 && this.#etag !== undefined;
    if (!response.ok && !unchanged) throw new Error(`${url} answered ${String(response.status)}`);
    if (!unchanged) {
      this.#take(await boundedBody(response, JWKS_SIZE_LIMIT), response.headers.get('etag') ?? undefined);
    }
    const fetchedAt = now();
    this.#confirm(momentOf(this.#clock), fetchedAt + maxStaleSeconds * 1_000);
    await this.#keep(fetchedAt);
    const requested = (maxAgeOf(response.headers) ?? Infinity) * REFRESH_AT;
    return Math.min(Math.max(requested, REFRESH_AT_LEAST_SECONDS), refreshIntervalSeconds);
  }

  /** A set that cannot be stored affects only the next start: so it is reported now, and the keys are used. */
  async #keep(fetchedAt: number): Promise<void> {
    if (this.#file === undefined) return;
    const reason = await this.#file
      .write({ url: this.#source.name, fetchedAt, etag: this.#etag, jwks: this.#document })
      .then(() => '', reasonOf);
    const isNew = reason !== this.fileError;
    this.fileError = reason;
    if (isNew) (this.options.onFileFailure ?? warnOfFile)(reason);
  }

  #confirm(at: Moment, usableUntil: number): void {
    this.#confirmed = at;
    this.#usableUntil = usableUntil;
    this.#stale = false;
    this.#away = false;
  }

  #take(document: Buffer, etag: string | undefined): void {
    this.#keys = keysOfDocument(document, this.options.purpose);
    this.#document = document;
    this.#etag = etag;
    this.options.onKeys(this.#keys);
  }

  /**
   * The issuer is unavailable at startup: uses the set of the last run, unless it is too old.
   * @returns `fault`: why there is a set that cannot be used
   */
  async #loadFile(): Promise<{ readonly loaded: boolean; readonly fault?: string }> {
    const { now, maxStaleSeconds } = this.options;
    try {
      const stored = await this.#file?.read(this.#source.name);
      const usableUntil = (stored?.fetchedAt ?? -Infinity) + maxStaleSeconds * 1_000;
      if (stored === undefined || usableUntil < now() || stored.fetchedAt > now() + 60_000) return { loaded: false };
      this.#take(stored.jwks, stored.etag);
      this.#confirm({ ...momentOf(this.#clock), wall: stored.fetchedAt }, usableUntil);
      return { loaded: true };
    } catch (error) {
      const fault = messageOf(error);
      return { loaded: false, fault: `the stored keys cannot be used: ${fault}` };
    }
  }

  #schedule(wanted: number): void {
    if (this.#closed) return;
    const ms = Math.min(wanted, TIMER_LIMIT_MS);
    this.#due = { since: momentOf(this.#clock), ms };
    this.#timer = quiet(
      setTimeout(() => {
        void this.refresh();
      }, ms),
    );
  }
}
