import { createHash } from 'node:crypto';
import { type DpopNonces } from './dpop/dpop-nonces.js';
import { MemoryDpopReplayStore, type DpopReplayStore } from './dpop/dpop-replay-store.js';
import { verifyDpopProof } from './dpop/verify-dpop-proof.js';
import { principalOfClaims, type Expected } from './jws/claims.js';
import { supportedAlgorithms, type Algorithm } from './keys/algorithm.js';
import { TokenReader } from './jws/token-reader.js';
import { VerifiedCache, type Verified } from './jws/verified-cache.js';
import { endpointOf, protectedUrl } from './endpoint.js';
import { type VerificationKey } from './keys/jwk.js';
import { knownProfiles, type ProfileName } from './profiles/known-profiles.js';
import { acceptsType, principalByProfile, type TokenProfile } from './profiles/token-profile.js';
import { CANDIDATES_LIMIT } from './keys/key-set.js';
import { RemoteKeySet } from './keys/remote-key-set.js';
import { type Principal } from './principal.js';
import { type RevocationList } from './revocation-list.js';
import { TokenError } from './token-error.js';

export interface VerifierOptions {
  /** The issuer identifier, compared exactly with `iss`. */
  readonly issuer: string;
  /** This service's name: the `aud` that it accepts. */
  readonly audience: string;
  /**
   * How the issuer's access tokens look; by default as our own issuer makes them: RFC 9068 with one audience, and a scope always. `rfc9068` takes
   * a list of audiences that contains this service, and a token without scopes. A name stands for another maker's tokens, an object for any.
   */
  readonly profile?: ProfileName | TokenProfile | undefined;
  /** Where the keys are; the issuer's `/.well-known/jwks.json` by default. */
  readonly jwksUrl?: string;
  /** Lets keys come by plain http beyond this machine's loopback address, where somebody in between can forge them; false by default. */
  readonly allowPlainHttp?: boolean;
  /** Accepted signature algorithms; ES256, EdDSA, RS256 and PS256 by default. */
  readonly algorithms?: readonly Algorithm[];
  /** Seconds of clock difference that are forgiven: 0 to 5, 5 by default. */
  readonly clockToleranceSeconds?: number;
  /** Verified tokens kept at most; 10,000 by default, 0 keeps none. */
  readonly cacheSize?: number;
  /** Seconds between background refreshes of the keys at most; 240 by default. The answer's `max-age` can ask for fewer. */
  readonly refreshIntervalSeconds?: number;
  /** Seconds in which unknown `kid`s cause at most one fetch; 10 by default. */
  readonly cooldownSeconds?: number;
  /** Seconds for which the last good keys are used while the issuer is away; 86,400 by default. */
  readonly maxStaleSeconds?: number;
  /** A file that keeps the last good keys (written 0600), so that a start during an outage of the issuer works; none by default. */
  readonly keysFile?: string;
  /** Milliseconds that one fetch of the keys may take; 5,000 by default. */
  readonly timeoutMs?: number;
  readonly revocations?: RevocationList;
  /** Where used DPoP proofs are remembered; in this process by default, so give a shared one where a service has replicas. */
  readonly dpopReplays?: DpopReplayStore;
  /** Nonces that DPoP proofs must carry (RFC 9449, section 9); none are asked for by default. */
  readonly dpopNonces?: DpopNonces;
  /** Seconds after its `iat` for which a DPoP proof is good: 1 to 300, 60 by default. */
  readonly dpopLifetimeSeconds?: number;
  /** Milliseconds since 1970; `Date.now` by default. */
  readonly now?: () => number;
  /** Milliseconds of a clock that is never set back, for durations; `performance.now` by default. */
  readonly monotonic?: () => number;
  readonly fetch?: typeof globalThis.fetch;
}

/** A DPoP proof and the request that it came with (RFC 9449, section 7.1: `Authorization: DPoP …` and the header `DPoP`). */
export interface DpopPresentation {
  /** The value of the `DPoP` header. */
  readonly proof: string;
  readonly method: string;
  /** The address as the caller knows it: scheme, host and path from outside any proxy. */
  readonly url: string;
}

/** One for all verifiers: a token is verified from start to end before the next. */
const reader = new TokenReader();

/** A stolen token that is bound to a key is worth nothing without the key: it never passes as a bearer token (RFC 9449, section 7.2). */
function bearer(principal: Principal): Principal {
  if (principal.confirmation !== undefined) throw new TokenError('DPOP_PROOF_MISSING');
  return principal;
}

/**
 * What identifies a token that has no id: the hash of all that is signed. Not of the signature, which anyone who has the token may be able to write
 * in another way.
 */
function fingerprintOf(token: string): string {
  return createHash('sha256')
    .update(token.slice(0, token.lastIndexOf('.')))
    .digest('base64url');
}

/** Verifies access tokens (RFC 9068) locally. Make one per issuer and audience with {@link createVerifier}. */
export class TokenVerifier {
  readonly #cache: VerifiedCache;
  readonly #keys: RemoteKeySet;
  readonly #algorithms: ReadonlySet<Algorithm>;
  readonly #now: () => number;
  readonly #toleranceSeconds: number;
  readonly #expected: Expected;
  readonly #replays: DpopReplayStore;
  /** Nothing for our own issuer's tokens, which have the quickest way. */
  readonly #profile: TokenProfile | undefined;

  /** Use {@link createVerifier}, which also loads the keys. */
  constructor(private readonly options: VerifierOptions) {
    const { clockToleranceSeconds = 5, algorithms = supportedAlgorithms } = options;
    if (!(clockToleranceSeconds >= 0 && clockToleranceSeconds <= 5)) {
      throw new RangeError('clockToleranceSeconds is 0 to 5 seconds');
    }
    this.#toleranceSeconds = clockToleranceSeconds;
    this.#expected = { issuer: options.issuer, audience: options.audience, toleranceSeconds: clockToleranceSeconds };
    this.#algorithms = new Set(algorithms);
    const { profile } = options;
    this.#profile = typeof profile === 'string' ? knownProfiles[profile] : profile;
    this.#now = options.now ?? Date.now;
    this.#cache = new VerifiedCache(options.cacheSize ?? 10_000);
    this.#replays = options.dpopReplays ?? new MemoryDpopReplayStore(undefined, this.#now);
    this.#keys = new RemoteKeySet({
      url: protectedUrl(
        options.jwksUrl ?? endpointOf(options.issuer, '/.well-known/jwks.json'),
        options.allowPlainHttp,
      ),
      fetch: options.fetch ?? ((...request) => fetch(...request)),
      now: this.#now,
      monotonic: options.monotonic,
      timeoutMs: options.timeoutMs ?? 5_000,
      refreshIntervalSeconds: options.refreshIntervalSeconds ?? 240,
      cooldownSeconds: options.cooldownSeconds ?? 10,
      maxStaleSeconds: options.maxStaleSeconds ?? 86_400,
      cacheFile: options.keysFile,
      onKeys: (keys) => {
        this.#cache.keepKeys(keys);
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
   * Verifies a bearer token, synchronously: the keys are in memory.
   * @param token the compact JWS, without the `Bearer ` in front
   * @returns the principal
   * @throws {TokenError} with the code of the first check that failed; `DPOP_PROOF_MISSING` for a good token that is bound to a key
   */
  verify(token: string): Principal {
    return bearer(this.#verify(token));
  }

  /**
   * Verifies a token that is what a request is about, not what it is authorized by: the subject token of an exchange (RFC 8693). One that is
   * bound to a key passes without a proof, so the caller must have been authenticated by other means.
   * @throws {TokenError}
   */
  verifySubjectToken(token: string): Principal {
    return this.#verify(token);
  }

  /**
   * As {@link verify}; a token whose key is unknown causes one fetch of the keys (single flight, rate-limited) and a second look. So do keys
   * that have become too old, as after the machine slept.
   * @throws {TokenError}
   */
  async verifyWithRefresh(token: string): Promise<Principal> {
    return bearer(await this.#verifyWithRefresh(token));
  }

  /**
   * Verifies a sender-constrained token together with its DPoP proof (RFC 9449, section 7): for `Authorization: DPoP …`. The token may be a
   * repeated one, its proof may not. As with {@link verifyWithRefresh}, an unknown key causes one fetch.
   * @throws {TokenError} also `DPOP_PROOF_INVALID` (a token that is not bound to a key does not go with this scheme), `DPOP_NONCE_REQUIRED`,
   * `DPOP_PROOF_REPLAYED`
   */
  async verifyWithProof(token: string, { proof, method, url }: DpopPresentation): Promise<Principal> {
    const principal = await this.#verifyWithRefresh(token);
    if (principal.confirmation === undefined) throw new TokenError('DPOP_PROOF_INVALID', 'the token is not bound');
    const { replayId, expiresAt, nonce } = verifyDpopProof(proof, {
      method,
      url,
      accessToken: token,
      thumbprint: principal.confirmation.jkt,
      lifetimeSeconds: this.options.dpopLifetimeSeconds,
      clockToleranceSeconds: this.#toleranceSeconds,
      now: this.#now() / 1_000,
    });
    const { dpopNonces: nonces } = this.options;
    if (nonces !== undefined && !nonces.accepts(nonce)) {
      throw new TokenError('DPOP_NONCE_REQUIRED', 'nonce', { dpopNonce: nonces.current() });
    }
    if (!(await this.#replays.useOnce(replayId, expiresAt))) throw new TokenError('DPOP_PROOF_REPLAYED');
    return principal;
  }

  /**
   * The principal of a bearer token that verified before; its time, its key and its revocation are checked again.
   * @returns nothing when the token must be verified
   * @throws {TokenError} `TOKEN_EXPIRED`, `TOKEN_REVOKED`, `DPOP_PROOF_MISSING`
   */
  cached(token: string): Principal | undefined {
    const known = this.#cached(token, this.#now());
    return known === undefined ? undefined : bearer(known);
  }

  /**
   * As {@link cached}, for an `Authorization` header as it came. It is the quickest answer to a repeated token.
   * @returns nothing also for any other header than `Bearer`, one space and a token: then take it apart, and verify the token
   * @throws {TokenError} `TOKEN_EXPIRED`, `TOKEN_REVOKED`, `DPOP_PROOF_MISSING`
   */
  cachedAuthorization(header: string): Principal | undefined {
    const known = this.#stillGood(this.#cache.getByHeader(header), this.#now());
    return known === undefined ? undefined : bearer(known);
  }

  async #verifyWithRefresh(token: string): Promise<Principal> {
    try {
      return this.#verify(token);
    } catch (error) {
      if (!(error instanceof TokenError) || !(await this.#broughtKeys(error))) throw error;
      return this.#verify(token);
    }
  }

  async #broughtKeys({ code, actual }: TokenError): Promise<boolean> {
    if (code === 'KEYS_UNAVAILABLE') return this.#keys.refreshWhenStale();
    return code === 'KEY_UNKNOWN' && actual !== undefined && (await this.#keys.refreshForUnknownKey(actual));
  }

  #verify(token: string): Principal {
    const now = this.#now();
    const known = this.#cached(token, now);
    if (known !== undefined) return known;
    const header = reader.read(token);
    const { algorithm, kid } = header;
    if (algorithm === undefined || !this.#algorithms.has(algorithm)) throw this.#algorithmRefused(header.alg);
    const profile = this.#profile;
    if (!(profile === undefined ? header.isAccessToken : acceptsType(profile, header.typ))) {
      throw new TokenError('TYP_NOT_ALLOWED', 'typ', {
        expected: profile?.types.join(' ') ?? 'at+jwt',
        actual: header.typ,
      });
    }
    if (header.crit !== undefined) throw new TokenError('CRIT_NOT_SUPPORTED');
    if (!this.#keys.usableAt(now)) throw this.#keysUnavailable();
    const key = this.#signerOf(kid, algorithm);
    const principal =
      profile === undefined
        ? principalOfClaims(reader.claims(), this.#expected, now / 1_000)
        : principalByProfile(profile, reader.claims(), this.#expected, now / 1_000, () => fingerprintOf(token));
    if (this.options.revocations?.isRevoked(principal, key.keyId) === true) throw new TokenError('TOKEN_REVOKED');
    this.#cache.add(token, principal, key);
    return principal;
  }

  /** The key that made the signature, of those with its `kid` whose type and `alg` fit. */
  #signerOf(kid: unknown, algorithm: Algorithm): VerificationKey {
    const named = typeof kid === 'string' ? this.#keys.keys.withKeyId(kid) : [];
    if (named.length === 0) throw new TokenError('KEY_UNKNOWN', 'kid', { actual: kid });
    let tried = 0;
    for (const key of named) {
      if (!key.algorithms.has(algorithm)) continue;
      if (reader.verifies(algorithm, key.key)) return key;
      tried += 1;
      if (tried === CANDIDATES_LIMIT) break;
    }
    if (tried > 0) throw new TokenError('SIGNATURE_INVALID');
    const expected = [...new Set(named.flatMap(({ algorithms }) => [...algorithms]))].join(' ');
    throw new TokenError('KEY_MISMATCH', 'alg', { expected, actual: algorithm });
  }

  /** For callers that cannot wait for keys: fetches them for the next call. */
  #keysUnavailable(): TokenError {
    void this.#keys.refreshWhenStale();
    return new TokenError('KEYS_UNAVAILABLE', this.#keys.lastError);
  }

  #algorithmRefused(alg: unknown): TokenError {
    return new TokenError('ALG_NOT_ALLOWED', 'alg', { expected: [...this.#algorithms].join(' '), actual: alg });
  }

  #cached(token: string, now: number): Principal | undefined {
    return this.#stillGood(this.#cache.get(token), now);
  }

  #stillGood(known: Verified | undefined, now: number): Principal | undefined {
    if (known === undefined || !this.#keys.usableAt(now)) return undefined;
    const { token, principal, key } = known;
    if (now / 1_000 >= principal.expiresAt + this.#toleranceSeconds) {
      this.#cache.delete(token);
      throw new TokenError('TOKEN_EXPIRED', 'exp', { expected: Math.floor(now / 1_000), actual: principal.expiresAt });
    }
    if (this.options.revocations?.isRevoked(principal, key.keyId) === true) {
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
 * @throws {TypeError} for keys by plain http beyond this machine, without `allowPlainHttp`
 */
export async function createVerifier(options: VerifierOptions): Promise<TokenVerifier> {
  const verifier = new TokenVerifier(options);
  await verifier.loadKeys();
  return verifier;
}
