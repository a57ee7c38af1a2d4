import { createHash } from 'node:crypto';
import { turnClock } from './fast/turn-clock.js';
import { MemoryDpopReplayStore, type DpopReplayStore } from './dpop/dpop-replay-store.js';
import { verifyDpopProof } from './dpop/verify-dpop-proof.js';
import { issuerKeys } from './issuer-keys.js';
import { type JsonObject } from './json-object.js';
import { principalOfClaims, type Expected } from './jws/claims.js';
import { ClaimForms } from './jws/fast/claim-forms.js';
import { TokenReader } from './jws/token-reader.js';
import { VerifiedCache, type Verified } from './jws/fast/verified-cache.js';
import { isAvailable, supportedAlgorithms, type KnownAlgorithm } from './keys/algorithm.js';
import { type VerificationKey } from './keys/jwk.js';
import { CANDIDATES_LIMIT } from './keys/key-set.js';
import { type RemoteKeySet } from './keys/remote-key-set.js';
import { ACCESS_TOKEN_TYP } from './oauth.js';
import { checkAlgorithms, checkNumber, checkText, checkUrl } from './option-checks.js';
import { type Principal } from './principal.js';
import { knownProfiles } from './profiles/known-profiles.js';
import { acceptsType, principalByProfile, type TokenProfile } from './profiles/token-profile.js';
import { TokenError } from './token-error.js';
import { type DpopPresentation, type VerifierOptions } from './verifier-options.js';
import { type TokenVerifier } from './verifier.js';

/** The detail of a refusal: the token does not name a key, and its signature verifies with none of those that were tried. */
const NO_KEY_ID = 'no kid';

/** Shared by all verifiers, because each token is verified from start to end before the next. */
const reader = new TokenReader();

/** A stolen token that is bound to a key is worthless without the key: it is never accepted as a bearer token (RFC 9449, section 7.2). */
function bearer<Caller extends Principal>(principal: Caller): Caller {
  const { confirmation } = principal;
  if (confirmation !== undefined) {
    throw new TokenError('jkt' in confirmation ? 'DPOP_PROOF_MISSING' : 'CERTIFICATE_MISMATCH');
  }
  return principal;
}

/**
 * Identifies a token that has no id: the hash of everything that is signed. Not of the signature, which a holder of the token may be able to encode
 * differently.
 */
function fingerprintOf(token: string): string {
  return createHash('sha256')
    .update(token.slice(0, token.lastIndexOf('.')))
    .digest('base64url');
}

const NO_AUDIENCE = 'audience must name this service';

/** @throws {TypeError} or {RangeError} naming the option */
function checkVerifierOptions(options: VerifierOptions): void {
  const { issuer, jwksUrl, profile, audience } = options;
  if (jwksUrl === undefined) checkUrl('issuer', issuer);
  else {
    checkText('issuer', issuer);
    checkUrl('jwksUrl', jwksUrl);
  }
  const names: readonly unknown[] = Array.isArray(audience) ? audience : [audience];
  if (names.some((name) => typeof name !== 'string' || name === '')) throw new RangeError(NO_AUDIENCE);
  if (typeof profile === 'string' && !Object.hasOwn(knownProfiles, profile))
    throw new RangeError(
      `profile ${JSON.stringify(profile)} is unknown; known profiles: ${Object.keys(knownProfiles).join(', ')}`,
    );
  checkAlgorithms(options.algorithms);
  for (const name of ['cacheSize', 'cooldownSeconds', 'maxStaleSeconds', 'dpopLifetimeSeconds'] as const)
    checkNumber(name, options[name]);
  for (const name of ['refreshIntervalSeconds', 'timeoutMs'] as const) checkNumber(name, options[name], 1);
}

/** The result of checking a token's claims: the principal, with the claims that the service declared. */
export type Completion<Caller extends Principal> = (principal: Principal, claims: JsonObject) => Caller;

/** Verifies access tokens of one issuer. */
export class IssuerVerifier<Caller extends Principal> implements TokenVerifier<Caller> {
  readonly #cache: VerifiedCache<Caller>;
  readonly #keys: RemoteKeySet;
  readonly #algorithms: ReadonlySet<KnownAlgorithm>;
  readonly #now: () => number;
  /** For repeated tokens. */
  readonly #turnNow: () => number;
  readonly #toleranceSeconds: number;
  readonly #expected: Expected;
  readonly #replays: DpopReplayStore;
  /** Undefined for our own issuer's tokens, which take the fast path. */
  readonly #profile: TokenProfile | undefined;
  /** Undefined if the service's schema gets the claims: it may keep them, or change them. */
  readonly #forms: ClaimForms | undefined;
  readonly issuers: readonly [string];

  constructor(
    private readonly options: VerifierOptions,
    private readonly complete: Completion<Caller>,
  ) {
    checkVerifierOptions(options);
    const { clockToleranceSeconds = 5, algorithms = supportedAlgorithms } = options;
    if (!(typeof clockToleranceSeconds === 'number' && clockToleranceSeconds >= 0 && clockToleranceSeconds <= 5)) {
      throw new RangeError('clockToleranceSeconds must be 0 to 5 seconds');
    }
    this.#toleranceSeconds = clockToleranceSeconds;
    const [audience, ...others] = typeof options.audience === 'string' ? [options.audience] : options.audience;
    if (audience === undefined) throw new RangeError(NO_AUDIENCE);
    this.#expected = { issuer: options.issuer, audience, others, toleranceSeconds: clockToleranceSeconds };
    this.issuers = [options.issuer];
    const missing = algorithms.filter((name) => !isAvailable(name));
    if (missing.length > 0)
      throw new RangeError(`this runtime cannot verify ${missing.join(', ')}: use Node 24.6 or later`);
    this.#algorithms = new Set(algorithms);
    const { profile } = options;
    this.#profile = typeof profile === 'string' ? knownProfiles[profile] : profile;
    this.#forms = options.claims === undefined ? new ClaimForms() : undefined;
    this.#now = options.now ?? Date.now;
    this.#turnNow = options.now ?? turnClock.now;
    this.#cache = new VerifiedCache(options.cacheSize ?? 10_000);
    this.#replays = options.dpopReplays ?? new MemoryDpopReplayStore(undefined, this.#now);
    this.#keys = issuerKeys(options, (keys) => {
      this.#cache.keepKeys(keys);
    });
  }

  get keysLoaded(): boolean {
    return this.#keys.usable;
  }

  get lastKeyError(): string {
    return this.#keys.lastError;
  }

  get keysFileError(): string | undefined {
    return this.#keys.fileError;
  }

  verify(token: string): Caller {
    return bearer(this.#verify(token));
  }

  verifySubjectToken(token: string): Caller {
    return this.#verify(token);
  }

  async verifyWithRefresh(token: string): Promise<Caller> {
    return bearer(await this.#verifyWithRefresh(token));
  }

  async verifyWithProof(token: string, { proof, method, url }: DpopPresentation): Promise<Caller> {
    const principal = await this.#verifyWithRefresh(token);
    const { confirmation } = principal;
    if (confirmation === undefined || !('jkt' in confirmation)) {
      throw new TokenError('DPOP_PROOF_INVALID', 'the token is not bound');
    }
    const { replayId, expiresAt, nonce } = verifyDpopProof(proof, {
      method,
      url,
      accessToken: token,
      thumbprint: confirmation.jkt,
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

  async verifyWithCertificate(token: string, certificate: Uint8Array | undefined): Promise<Caller> {
    const principal = await this.#verifyWithRefresh(token);
    const { confirmation } = principal;
    if (confirmation === undefined || 'jkt' in confirmation) return bearer(principal);
    const shown = certificate === undefined ? '' : createHash('sha256').update(certificate).digest('base64url');
    if (shown !== confirmation.certificate) throw new TokenError('CERTIFICATE_MISMATCH');
    return principal;
  }

  verifyStatement(token: string, type: string): Promise<JsonObject> {
    return this.#withRefresh(() => this.#statement(token, type));
  }

  cached(token: string): Caller | undefined {
    const known = this.#cached(token, this.#turnNow());
    return known === undefined ? undefined : bearer(known);
  }

  cachedAuthorization(header: string): Caller | undefined {
    const known = this.#stillGood(this.#cache.getByHeader(header), this.#turnNow());
    return known === undefined ? undefined : bearer(known);
  }

  #verifyWithRefresh(token: string): Promise<Caller> {
    return this.#withRefresh(() => this.#verify(token));
  }

  async #withRefresh<Result>(verify: () => Result): Promise<Result> {
    if (this.#keys.overdue) await this.#keys.refreshWhenOverdue();
    try {
      return verify();
    } catch (error) {
      if (!(error instanceof TokenError) || !(await this.#broughtKeys(error))) throw error;
      return verify();
    }
  }

  async #broughtKeys({ code, detail, actual }: TokenError): Promise<boolean> {
    if (code === 'KEYS_UNAVAILABLE') return this.#keys.refreshWhenStale();
    if (code === 'SIGNATURE_INVALID' && detail === NO_KEY_ID) return this.#keys.refreshForUnknownKey();
    return code === 'KEY_UNKNOWN' && actual !== undefined && (await this.#keys.refreshForUnknownKey(actual));
  }

  #verify(token: string): Caller {
    const now = this.#now();
    const known = this.#cached(token, now);
    if (known !== undefined) return known;
    const header = reader.read(token);
    const { algorithm, kid } = header;
    if (algorithm === undefined || !this.#algorithms.has(algorithm)) throw this.#algorithmRefused(header.alg);
    const profile = this.#profile;
    if (!(profile === undefined ? header.isAccessToken : acceptsType(profile, header.typ))) {
      throw new TokenError('TYP_NOT_ALLOWED', 'typ', {
        expected: profile?.types.join(' ') ?? ACCESS_TOKEN_TYP,
        actual: header.typ,
      });
    }
    if (header.crit !== undefined) throw new TokenError('CRIT_NOT_SUPPORTED');
    if (!this.#keys.usableAt(now)) throw this.#keysUnavailable();
    const key = this.#signerOf(kid, algorithm);
    const claims = profile === undefined ? reader.claims() : reader.foreignClaims(this.#forms);
    const principal = this.complete(
      profile === undefined
        ? principalOfClaims(claims, this.#expected, now / 1_000)
        : principalByProfile(profile, claims, this.#expected, now / 1_000, () => fingerprintOf(token)),
      claims,
    );
    if (this.options.revocations?.isRevoked(principal, key.keyId) === true) throw new TokenError('TOKEN_REVOKED');
    this.#cache.add(token, principal, key);
    return principal;
  }

  #statement(token: string, type: string): JsonObject {
    const { algorithm, alg, typ, crit, kid } = reader.read(token);
    if (algorithm === undefined || !this.#algorithms.has(algorithm)) throw this.#algorithmRefused(alg);
    const said = typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : typ;
    if (said !== type.toLowerCase()) throw new TokenError('TYP_NOT_ALLOWED', 'typ', { expected: type, actual: typ });
    if (crit !== undefined) throw new TokenError('CRIT_NOT_SUPPORTED');
    if (!this.#keys.usableAt(this.#now())) throw this.#keysUnavailable();
    this.#signerOf(kid, algorithm);
    const claims = reader.foreignClaims(undefined);
    const { issuer } = this.#expected;
    if (claims['iss'] === issuer) return claims;
    throw new TokenError('ISSUER_MISMATCH', 'iss', { expected: issuer, actual: claims['iss'] });
  }

  /**
   * The key that made the signature, among those with its `kid` whose type and `alg` match. With another profile a token may name no key: then all
   * keys are tried, up to the same limit.
   */
  #signerOf(kid: unknown, algorithm: KnownAlgorithm): VerificationKey {
    const { keys } = this.#keys;
    const isNamed = kid !== undefined || this.#profile === undefined;
    const named = typeof kid === 'string' ? keys.withKeyId(kid) : isNamed ? [] : keys.all;
    if (named.length === 0) throw new TokenError('KEY_UNKNOWN', 'kid', { actual: kid });
    let tried = 0;
    for (const key of named) {
      if (!key.algorithms.has(algorithm)) continue;
      if (reader.verifies(algorithm, key.key)) return key;
      tried += 1;
      if (tried === CANDIDATES_LIMIT) break;
    }
    if (tried > 0) throw new TokenError('SIGNATURE_INVALID', isNamed ? undefined : NO_KEY_ID);
    const expected = [...new Set(named.flatMap(({ algorithms }) => [...algorithms]))].join(' ');
    throw new TokenError('KEY_MISMATCH', 'alg', { expected, actual: algorithm });
  }

  /** Starts fetching keys for the next call, for callers that cannot wait. */
  #keysUnavailable(): TokenError {
    void this.#keys.refreshWhenStale();
    return new TokenError('KEYS_UNAVAILABLE', this.#keys.lastError);
  }

  #algorithmRefused(alg: unknown): TokenError {
    return new TokenError('ALG_NOT_ALLOWED', 'alg', { expected: [...this.#algorithms].join(' '), actual: alg });
  }

  #cached(token: string, now: number): Caller | undefined {
    return this.#stillGood(this.#cache.get(token), now);
  }

  #stillGood(known: Verified<Caller> | undefined, now: number): Caller | undefined {
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

  loadKeys(): Promise<boolean> {
    return this.#keys.refresh();
  }

  close(): void {
    this.#keys.close();
  }
}
