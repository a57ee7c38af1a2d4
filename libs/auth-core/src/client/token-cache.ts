import { BoundedMap } from '../bounded-map.js';
import { type AccessToken } from './token-request.js';

export interface TokenCacheOptions {
  /** Maximum tokens kept. */
  readonly limit: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Milliseconds of a monotonic clock. */
  readonly monotonic: () => number;
  /** 0 to 1, for the jitter. */
  readonly random: () => number;
}

export interface Wanted {
  /** Identifies what the token is for; equal requests have equal keys. */
  readonly name: string;
  /** Seconds since 1970 after which the token must not be used, whatever its own expiry. */
  readonly notAfter: number;
  /** Asks the issuer. */
  request(): Promise<AccessToken>;
}

interface Kept {
  token: AccessToken | undefined;
  /** Milliseconds of the monotonic clock: a token's lifetime must not change when the machine's clock is set. */
  since: number;
  usableUntil: number;
  refreshAt: number;
  /** Milliseconds since 1970, because the monotonic clock can stop while the machine sleeps. */
  endsAt: number;
  asking: Promise<AccessToken> | undefined;
}

/** Fraction of a token's life after which the next one is requested, minus jitter. */
const REFRESH_AT = 0.8;
const REFRESH_JITTER = 0.15;
/** Milliseconds before its expiry within which a token is no longer handed out: it still has to reach the receiver. */
const LAST_MOMENT_MS = 2_000;
/** Milliseconds for which a token is kept even if it is refused: a receiver that refuses every token must not make us request one after another. */
const KEPT_AT_LEAST_MS = 5_000;
/** Milliseconds before a failed refresh is retried. */
const REFRESH_RETRY_MS = 5_000;

/**
 * Caches tokens, and renews each before it expires: a request in the last fifth of a token's life gets the cached one immediately and starts one
 * renewal in the background. The moment varies, so that many processes do not renew at the same time. Bounded: the least recently requested token is
 * evicted.
 */
export class TokenCache {
  readonly #kept: BoundedMap<string, Kept>;

  constructor(private readonly options: TokenCacheOptions) {
    this.#kept = new BoundedMap(options.limit);
  }

  get(wanted: Wanted): Promise<AccessToken> {
    const entry = this.#entryOf(wanted.name);
    const now = this.options.monotonic();
    const { token } = entry;
    if (token === undefined || now >= entry.usableUntil || this.options.now() >= entry.endsAt - LAST_MOMENT_MS) {
      return this.#ask(entry, wanted);
    }
    if (now >= entry.refreshAt) {
      this.#ask(entry, wanted).catch(() => {
        entry.refreshAt = this.options.monotonic() + REFRESH_RETRY_MS;
      });
    }
    return Promise.resolve(token);
  }

  /** Drops a token that was refused. @returns whether requesting another makes sense: false for a token that was just issued */
  forget(refused: AccessToken): boolean {
    for (const entry of this.#kept.values()) {
      if (entry.token?.token !== refused.token) continue;
      if (this.options.monotonic() - entry.since < KEPT_AT_LEAST_MS) return false;
      entry.token = undefined;
      return true;
    }
    // It has been replaced in the meantime.
    return true;
  }

  #entryOf(name: string): Kept {
    const entry = this.#kept.get(name) ?? {
      token: undefined,
      since: 0,
      usableUntil: 0,
      refreshAt: 0,
      endsAt: 0,
      asking: undefined,
    };
    this.#kept.set(name, entry);
    return entry;
  }

  #ask(entry: Kept, { name, notAfter, request }: Wanted): Promise<AccessToken> {
    entry.asking ??= request().then(
      (token) => {
        const now = this.options.monotonic();
        const endsAt = Math.min(token.expiresAt, notAfter) * 1_000;
        const life = endsAt - this.options.now();
        entry.token = token;
        entry.since = now;
        entry.endsAt = endsAt;
        entry.usableUntil = now + life - LAST_MOMENT_MS;
        entry.refreshAt = now + life * (REFRESH_AT - this.options.random() * REFRESH_JITTER);
        entry.asking = undefined;
        return token;
      },
      (error: unknown) => {
        entry.asking = undefined;
        if (entry.token === undefined && this.#kept.get(name) === entry) this.#kept.delete(name);
        throw error;
      },
    );
    return entry.asking;
  }
}
