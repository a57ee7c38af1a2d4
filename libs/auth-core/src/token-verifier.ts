import { parseCompactJws, parseJsonObject } from './jws/compact-jws.js';
import { principalOfClaims } from './jws/claims.js';
import { isAlgorithm, signatureVerifies, supportedAlgorithms, type Algorithm } from './jws/signature.js';
import { VerifiedCache } from './jws/verified-cache.js';
import { RemoteKeySet } from './keys/remote-key-set.js';
import { type Principal } from './principal.js';
import { type RevocationList } from './revocation-list.js';
import { TokenError } from './token-error.js';

export interface VerifierOptions {
  /** The issuer identifier, compared exactly with `iss`. */
  readonly issuer: string;
  /** This service's name: the only `aud` that it accepts. */
  readonly audience: string;
  /** Where the keys are; the issuer's `/.well-known/jwks.json` by default. */
  readonly jwksUrl?: string;
  /** Accepted signature algorithms; ES256, EdDSA, RS256 and PS256 by default. */
  readonly algorithms?: readonly Algorithm[];
  /** Seconds of clock difference that are forgiven: 0 to 5, 5 by default. */
  readonly clockToleranceSeconds?: number;
  /** Verified tokens kept at the most; 10,000 by default, 0 keeps none. */
  readonly cacheSize?: number;
  /** Seconds between background refreshes of the keys; 240 by default. */
  readonly refreshIntervalSeconds?: number;
  /** Seconds in which unknown `kid`s cause one fetch at the most; 10 by default. */
  readonly cooldownSeconds?: number;
  /** Seconds for which the last good keys are used while the issuer is away; 86,400 by default. */
  readonly maxStaleSeconds?: number;
  /** Milliseconds that one fetch of the keys may take; 5,000 by default. */
  readonly timeoutMs?: number;
  readonly revocations?: RevocationList;
  /** Milliseconds since 1970; `Date.now` by default. */
  readonly now?: () => number;
  readonly fetch?: typeof globalThis.fetch;
}

/** Verifies access tokens (RFC 9068) locally. Make one per issuer and audience with {@link createVerifier}. */
export class TokenVerifier {
  readonly #cache: VerifiedCache;
  readonly #keys: RemoteKeySet;
  readonly #algorithms: ReadonlySet<Algorithm>;
  readonly #now: () => number;
  readonly #toleranceSeconds: number;

  /** Use {@link createVerifier}, which also loads the keys. */
  constructor(private readonly options: VerifierOptions) {
    const { clockToleranceSeconds = 5, algorithms = supportedAlgorithms } = options;
    if (!(clockToleranceSeconds >= 0 && clockToleranceSeconds <= 5)) {
      throw new RangeError('clockToleranceSeconds is 0 to 5 seconds');
    }
    this.#toleranceSeconds = clockToleranceSeconds;
    this.#algorithms = new Set(algorithms);
    this.#now = options.now ?? Date.now;
    this.#cache = new VerifiedCache(options.cacheSize ?? 10_000);
    this.#keys = new RemoteKeySet({
      url: options.jwksUrl ?? `${options.issuer}/.well-known/jwks.json`,
      fetch: options.fetch ?? ((...request) => fetch(...request)),
      now: this.#now,
      timeoutMs: options.timeoutMs ?? 5_000,
      refreshIntervalSeconds: options.refreshIntervalSeconds ?? 240,
      cooldownSeconds: options.cooldownSeconds ?? 10,
      maxStaleSeconds: options.maxStaleSeconds ?? 86_400,
      onKeys: (keyIds) => {
        this.#cache.keepKeys(keyIds);
      },
    });
  }

  /** Whether keys are loaded and not too old; false makes every verification fail with `KEYS_UNAVAILABLE`. */
  get keysLoaded(): boolean {
    return this.#keys.usable;
  }

  /** Why the keys could last not be fetched; empty when they were. */
  get lastKeyError(): string {
    return this.#keys.lastError;
  }

  /**
   * Verifies a token, synchronously: the keys are in memory.
   * @param token the compact JWS, without the `Bearer ` in front
   * @returns the principal
   * @throws {TokenError} with the code of the first check that failed
   */
  verify(token: string): Principal {
    const known = this.cached(token);
    if (known !== undefined) return known;
    const { header, payload, signature, signingInput } = parseCompactJws(token);
    const { alg, kid } = header;
    if (!isAlgorithm(alg) || !this.#algorithms.has(alg)) throw new TokenError('ALG_NOT_ALLOWED');
    if (typeof header.typ !== 'string' || !/^(application\/)?at\+jwt$/i.test(header.typ))
      throw new TokenError('TYP_NOT_ALLOWED');
    if (header.crit !== undefined) throw new TokenError('CRIT_NOT_SUPPORTED');
    if (!this.#keys.usable) throw new TokenError('KEYS_UNAVAILABLE', this.#keys.lastError);
    const key = typeof kid === 'string' ? this.#keys.get(kid) : undefined;
    if (key === undefined) throw new TokenError('KEY_UNKNOWN');
    if (!key.algorithms.has(alg)) throw new TokenError('KEY_MISMATCH');
    if (!signatureVerifies(alg, key.key, signingInput, signature)) throw new TokenError('SIGNATURE_INVALID');
    const expected = {
      issuer: this.options.issuer,
      audience: this.options.audience,
      toleranceSeconds: this.#toleranceSeconds,
    };
    const principal = principalOfClaims(parseJsonObject(payload), expected, this.#now() / 1_000);
    if (this.options.revocations?.isRevoked(principal, key.keyId) === true) throw new TokenError('TOKEN_REVOKED');
    this.#cache.add({ token, principal, keyId: key.keyId });
    return principal;
  }

  /**
   * As {@link verify}; a token whose key is unknown causes one fetch of the keys (single flight, rate-limited) and a second look.
   * @throws {TokenError}
   */
  async verifyWithRefresh(token: string): Promise<Principal> {
    try {
      return this.verify(token);
    } catch (error) {
      if (!(error instanceof TokenError) || error.code !== 'KEY_UNKNOWN') throw error;
      if (!(await this.#keys.refreshForUnknownKey())) throw error;
      return this.verify(token);
    }
  }

  /**
   * The principal of a token that verified before; its time, its key and its revocation are checked again.
   * @returns nothing when the token must be verified
   * @throws {TokenError} `TOKEN_EXPIRED`, `TOKEN_REVOKED`
   */
  cached(token: string): Principal | undefined {
    const known = this.#cache.get(token);
    if (known === undefined || !this.#keys.usable) return undefined;
    const { principal, keyId } = known;
    if (this.#now() / 1_000 >= principal.expiresAt + this.#toleranceSeconds) {
      this.#cache.delete(token);
      throw new TokenError('TOKEN_EXPIRED');
    }
    if (this.options.revocations?.isRevoked(principal, keyId) === true) {
      this.#cache.delete(token);
      throw new TokenError('TOKEN_REVOKED');
    }
    return principal;
  }

  /** Fetches the keys now. @returns whether that brought keys */
  loadKeys(): Promise<boolean> {
    return this.#keys.refresh();
  }

  /** Ends the background refresh. */
  close(): void {
    this.#keys.close();
  }
}

/**
 * Makes a verifier and loads the issuer's keys. An issuer that does not answer yet is no error: the keys are fetched on in the
 * background, and until then {@link TokenVerifier.verify} throws `KEYS_UNAVAILABLE` (503).
 */
export async function createVerifier(options: VerifierOptions): Promise<TokenVerifier> {
  const verifier = new TokenVerifier(options);
  await verifier.loadKeys();
  return verifier;
}
