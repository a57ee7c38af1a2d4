import { monotonicClock } from '../clock.js';
import { type AccessToken, TokenRequestError } from '../client/token-request.js';
import { sharedByForms } from '../either-form.js';
import { type Principal } from '../principal.js';
import { TokenError } from '../token-error.js';
import { parseApiKey } from './api-key.js';
import { UnknownKeys } from './unknown-keys.js';

/** What is asked of a verifier of tokens. */
export interface ExchangedTokenVerifier {
  /** @throws {TokenError} */
  verifyWithRefresh(token: string): Promise<Principal>;
  /** @throws {TokenError} `TOKEN_EXPIRED`, `TOKEN_REVOKED` */
  cached?(token: string): Principal | undefined;
}

/** Exchanges a key at the issuer (RFC 8693). @throws {TokenRequestError} */
export type ExchangeApiKey = (key: string, address: string | undefined) => Promise<AccessToken>;

export interface ApiKeyExchangeOptions {
  /** Verifies what a key is exchanged for; the same that verifies tokens. */
  readonly verifier: ExchangedTokenVerifier;
  readonly exchange: ExchangeApiKey;
  /** Keys kept at most; 10,000 by default. */
  readonly cacheSize?: number | undefined;
  /** Exchanges in progress at once; 64 by default. A further one is refused with 503. */
  readonly exchangesAtOnce?: number | undefined;
  /** Keys that are not accepted, which one network may show in a minute before it is not asked about at the issuer any more; 60 by default. */
  readonly unknownPerMinute?: number | undefined;
  /** Milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
  /** Milliseconds of a clock that is never set back. */
  readonly monotonic?: (() => number) | undefined;
  /** 0 to 1, for jitter; `Math.random` by default. */
  readonly random?: (() => number) | undefined;
}

interface Known {
  readonly token: string;
  readonly principal: Principal;
  /** Milliseconds of the monotonic clock from which on the next token is asked for. */
  readonly refreshAt: number;
}

const tokens = sharedByForms('api-key-tokens', () => new WeakMap<Principal, string>());

/** The token that the caller of an API key was exchanged for: what is exchanged further (RFC 8693). @returns nothing for any other caller */
export function tokenOfApiKeyCaller(principal: Principal): string | undefined {
  return tokens.get(principal);
}

/** Part of a token's life after which the next is asked for, less the jitter. */
const REFRESH_AT = 0.8;
const REFRESH_JITTER = 0.15;
/** Milliseconds after which a refresh that failed is tried again. */
const RETRY_MS = 5_000;

/**
 * Verifies API keys in the service itself: a key is exchanged once for a short-lived token, and from then on decided from memory, until shortly
 * before that token's end. A revoked key is refused as its token is, by the revocation list. While the issuer is away, keys that are known go
 * on for their token's life.
 */
export class ApiKeyTokens {
  readonly #known = new Map<string, Known>();
  readonly #exchanging = new Map<string, Promise<Principal>>();
  readonly #unknown: UnknownKeys;
  readonly #limit: number;
  readonly #atOnce: number;
  readonly #now: () => number;
  readonly #monotonic: () => number;
  readonly #random: () => number;

  constructor(private readonly options: ApiKeyExchangeOptions) {
    this.#limit = options.cacheSize ?? 10_000;
    this.#atOnce = options.exchangesAtOnce ?? 64;
    this.#now = options.now ?? Date.now;
    this.#monotonic = options.monotonic ?? monotonicClock;
    this.#random = options.random ?? Math.random;
    this.#unknown = new UnknownKeys(options.unknownPerMinute ?? 60, this.#monotonic);
  }

  /** Keys that are known now. */
  get size(): number {
    return this.#known.size;
  }

  /**
   * The caller of a key that was exchanged before: its token's time and revocation are checked again.
   * @returns nothing when {@link verify} must look
   * @throws {TokenError} `TOKEN_EXPIRED`, `TOKEN_REVOKED`: then too
   */
  cached(key: string): Principal | undefined {
    const known = this.#known.get(key);
    if (known === undefined || this.#monotonic() >= known.refreshAt) return undefined;
    return this.options.verifier.cached?.(known.token);
  }

  /** Has the issuer asked again about a key that it did not accept a moment ago. @param id of the key */
  forgetRefusal(id: string): void {
    this.#unknown.forget(id);
  }

  /**
   * Verifies a key.
   * @param address of the caller, for the issuer's penalty of floods
   * @throws {TokenError} 401 `API_KEY_INVALID`; 429 `API_KEYS_GUESSED` for a network that showed too many that are not accepted; 503
   * `API_KEYS_UNAVAILABLE` for one that is not known here while the issuer is away
   */
  async verify(key: string, address?: string): Promise<Principal> {
    const known = await this.#stillGood(key);
    if (known instanceof TokenError) {
      // The issuer may have another token for it; while it is away, what was revoked stays refused as such.
      return this.#ask(key, address).catch((error: unknown): never => {
        throw error instanceof TokenError && error.status === 503 && known.code === 'TOKEN_REVOKED' ? known : error;
      });
    }
    if (known !== undefined) {
      if (this.#monotonic() >= known.refreshAt) this.#refresh(key, known, address);
      return known.principal;
    }
    return this.#ask(key, address);
  }

  /** One look of the key costs nobody anything; one that was just refused, or comes from where many were, is not asked about. */
  async #ask(key: string, address: string | undefined): Promise<Principal> {
    if (parseApiKey(key) === undefined) throw new TokenError('API_KEY_INVALID', 'form');
    this.#unknown.check(key, address);
    return this.#exchange(key, address);
  }

  /** @returns nothing for a key that is not known; why its token is not good any more, for one that was */
  async #stillGood(key: string): Promise<Known | TokenError | undefined> {
    const known = this.#known.get(key);
    if (known === undefined) return undefined;
    try {
      const { verifier } = this.options;
      const principal = verifier.cached?.(known.token) ?? (await verifier.verifyWithRefresh(known.token));
      tokens.set(principal, known.token);
      return { ...known, principal };
    } catch (error) {
      if (!(error instanceof TokenError)) throw error;
      if (error.status === 503) throw error;
      if (this.#known.get(key) === known) this.#known.delete(key);
      return error;
    }
  }

  /** Asks for the next token in the background; the present one is good meanwhile. */
  #refresh(key: string, known: Known, address: string | undefined): void {
    this.#known.set(key, { ...known, refreshAt: this.#monotonic() + RETRY_MS });
    this.#exchange(key, address).catch(() => undefined);
  }

  #exchange(key: string, address: string | undefined): Promise<Principal> {
    const under = this.#exchanging.get(key);
    if (under !== undefined) return under;
    if (this.#exchanging.size >= this.#atOnce) throw new TokenError('API_KEYS_UNAVAILABLE', 'too many are asked about');
    const exchanging = this.#exchangeNow(key, address).finally(() => this.#exchanging.delete(key));
    this.#exchanging.set(key, exchanging);
    return exchanging;
  }

  async #exchangeNow(key: string, address: string | undefined): Promise<Principal> {
    const askedAt = this.#monotonic();
    const { token } = await this.options.exchange(key, address).catch((error: unknown): never => {
      throw this.#refusalOf(error, key, address, askedAt);
    });
    const principal = await this.options.verifier.verifyWithRefresh(token);
    tokens.set(principal, token);
    const life = principal.expiresAt * 1_000 - this.#now();
    const refreshAt = this.#monotonic() + life * (REFRESH_AT - this.#random() * REFRESH_JITTER);
    this.#keep(key, { token, principal, refreshAt });
    return principal;
  }

  #refusalOf(error: unknown, key: string, address: string | undefined, askedAt: number): unknown {
    if (!(error instanceof TokenRequestError)) return error;
    const isRefused = error.code === 'invalid_grant' || error.code === 'invalid_target' || error.status === 429;
    if (!isRefused) return new TokenError('API_KEYS_UNAVAILABLE', error.code);
    this.#known.delete(key);
    this.#unknown.add(key, address, askedAt);
    return new TokenError('API_KEY_INVALID', error.code);
  }

  #keep(key: string, known: Known): void {
    if (this.#limit === 0) return;
    this.#known.delete(key);
    this.#known.set(key, known);
    const [oldest] = this.#known.keys();
    if (this.#known.size > this.#limit && oldest !== undefined) this.#known.delete(oldest);
  }
}
