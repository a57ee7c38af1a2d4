import { BEARER } from '../bearer-token.js';
import { BoundedMap } from '../bounded-map.js';
import { monotonicClock } from '../clock.js';
import { type AccessToken, TokenRequestError } from '../client/token-request.js';
import { sharedByForms } from '../either-form.js';
import { type Principal } from '../principal.js';
import { TokenError } from '../token-error.js';
import { API_KEY_PREFIX, looksLikeApiKey, parseApiKey } from './api-key.js';
import { RecentTexts } from './fast/recent-texts.js';
import { UnknownKeys } from './unknown-keys.js';

/** What is required of a token verifier. */
export interface ExchangedTokenVerifier {
  /** @throws {TokenError} */
  verifyWithRefresh(token: string): Promise<Principal>;
  /** @throws {TokenError} `TOKEN_EXPIRED`, `TOKEN_REVOKED` */
  cached?(token: string): Principal | undefined;
}

/** Exchanges a key at the issuer (RFC 8693). @throws {TokenRequestError} */
export type ExchangeApiKey = (key: string, address: string | undefined) => Promise<AccessToken>;

export interface ApiKeyExchangeOptions {
  /** Verifies the exchanged tokens; the same verifier that the service uses. */
  readonly verifier: ExchangedTokenVerifier;
  readonly exchange: ExchangeApiKey;
  /** Maximum keys kept; 10,000 by default. */
  readonly cacheSize?: number | undefined;
  /** Maximum concurrent exchanges; 64 by default. More are refused with 503. */
  readonly exchangesAtOnce?: number | undefined;
  /** Maximum rejected keys per minute from one network, before its unknown keys are refused without asking the issuer; 60 by default. */
  readonly unknownPerMinute?: number | undefined;
  /** Milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
  /** Milliseconds of a monotonic clock. */
  readonly monotonic?: (() => number) | undefined;
  /** 0 to 1, for jitter; `Math.random` by default. */
  readonly random?: (() => number) | undefined;
}

interface Known {
  readonly token: string;
  readonly principal: Principal;
  /** When to request the next token, in milliseconds of the monotonic clock. */
  readonly refreshAt: number;
}

const tokens = sharedByForms('api-key-tokens', () => new WeakMap<Principal, string>());

/** The token that a caller's API key was exchanged for, to use in further exchanges (RFC 8693). @returns undefined for any other caller */
export function tokenOfApiKeyCaller(principal: Principal): string | undefined {
  return tokens.get(principal);
}

/** Fraction of a token's life after which the next one is requested, minus jitter. */
const REFRESH_AT = 0.8;
const REFRESH_JITTER = 0.15;
/** Milliseconds before a failed refresh is retried. */
const RETRY_MS = 5_000;

/**
 * Verifies API keys in the service itself: a key is exchanged once for a short-lived token, then verified from memory until shortly before that token
 * expires. A revoked key is refused as its token is, by the revocation list. While the issuer is unavailable, known keys keep working until their
 * tokens expire.
 */
export class ApiKeyTokens {
  readonly #known: BoundedMap<string, Known>;
  readonly #recent = new RecentTexts<Known>();
  readonly #exchanging = new Map<string, Promise<Principal>>();
  readonly #unknown: UnknownKeys;
  readonly #atOnce: number;
  readonly #now: () => number;
  readonly #monotonic: () => number;
  readonly #random: () => number;

  constructor(private readonly options: ApiKeyExchangeOptions) {
    this.#known = new BoundedMap(options.cacheSize ?? 10_000, (key) => {
      this.#recent.forget(key);
    });
    this.#atOnce = options.exchangesAtOnce ?? 64;
    this.#now = options.now ?? Date.now;
    this.#monotonic = options.monotonic ?? monotonicClock;
    this.#random = options.random ?? Math.random;
    this.#unknown = new UnknownKeys(options.unknownPerMinute ?? 60, this.#monotonic);
  }

  /** Number of known keys. */
  get size(): number {
    return this.#known.size;
  }

  /**
   * The caller of a key that was exchanged before; expiry and revocation of its token are checked again.
   * @returns undefined when {@link verify} is needed
   * @throws {TokenError} `TOKEN_EXPIRED`, `TOKEN_REVOKED`: then call {@link verify} too
   */
  cached(key: string): Principal | undefined {
    return looksLikeApiKey(key) ? this.#stillFresh(this.#recent.get(key) ?? this.#found(key, key)) : undefined;
  }

  /** As {@link cached}, for a whole `Authorization` header: `Bearer`, one space and the key. */
  cachedAuthorization(header: string): Principal | undefined {
    if (!header.startsWith(BEARER + API_KEY_PREFIX)) return undefined;
    return this.#stillFresh(this.#recent.get(header) ?? this.#found(header, header.slice(BEARER.length)));
  }

  #found(shown: string, key: string): Known | undefined {
    const known = this.#known.get(key);
    if (known !== undefined) this.#recent.put(shown, known);
    return known;
  }

  #stillFresh(known: Known | undefined): Principal | undefined {
    if (known === undefined || this.#monotonic() >= known.refreshAt) return undefined;
    return this.options.verifier.cached?.(known.token);
  }

  /** Whether a key was accepted here, and its token is kept. */
  knows(key: string): boolean {
    return this.#known.has(key);
  }

  /** Counts an unknown key that costs the issuer something besides an exchange. @returns false for a network that sent too many */
  mayGuess(address: string | undefined): boolean {
    return this.#unknown.mayGuess(address);
  }

  /** Makes the next request ask the issuer again about a key that it just rejected. @param id of the key */
  forgetRefusal(id: string): void {
    this.#unknown.forget(id);
  }

  /**
   * Verifies a key.
   * @param address of the caller, for the limit on guessing
   * @throws {TokenError} 401 `API_KEY_INVALID`; 429 `API_KEYS_GUESSED` for a network that sent too many invalid keys; 503 `API_KEYS_UNAVAILABLE` for
   * a key that is not known here while the issuer is unavailable
   */
  async verify(key: string, address?: string): Promise<Principal> {
    const known = await this.#stillGood(key);
    if (known instanceof TokenError) {
      // The issuer may issue another token for it; while it is unavailable, a revoked key stays refused as revoked.
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

  /** Checking the key's form costs nothing; a key that was just refused, or comes from a guessing network, does not reach the issuer. */
  async #ask(key: string, address: string | undefined): Promise<Principal> {
    if (parseApiKey(key) === undefined) throw new TokenError('API_KEY_INVALID', 'form');
    this.#unknown.check(key, address);
    return this.#exchange(key, address);
  }

  /** @returns undefined for an unknown key; for a known one, why its token is no longer valid */
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
      if (this.#known.get(key) === known) this.#forget(key);
      return error;
    }
  }

  /** Requests the next token in the background; the present one stays valid until then. */
  #refresh(key: string, known: Known, address: string | undefined): void {
    this.#set(key, { ...known, refreshAt: this.#monotonic() + RETRY_MS });
    this.#exchange(key, address).catch(() => undefined);
  }

  #exchange(key: string, address: string | undefined): Promise<Principal> {
    const under = this.#exchanging.get(key);
    if (under !== undefined) return under;
    if (this.#exchanging.size >= this.#atOnce)
      throw new TokenError('API_KEYS_UNAVAILABLE', 'too many unknown keys are being checked');
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
    this.#set(key, { token, principal, refreshAt });
    return principal;
  }

  #refusalOf(error: unknown, key: string, address: string | undefined, askedAt: number): unknown {
    if (!(error instanceof TokenRequestError)) return error;
    // Too many requests by the service itself say nothing about the key; too many invalid keys are also `invalid_grant`.
    const isRefused = error.code === 'invalid_grant' || error.code === 'invalid_target';
    if (!isRefused) return new TokenError('API_KEYS_UNAVAILABLE', error.code);
    this.#forget(key);
    this.#unknown.add(key, address, askedAt);
    return new TokenError('API_KEY_INVALID', error.code);
  }

  #set(key: string, known: Known): void {
    this.#known.set(key, known);
    this.#recent.forget(key);
  }

  #forget(key: string): void {
    this.#known.delete(key);
    this.#recent.forget(key);
  }
}
