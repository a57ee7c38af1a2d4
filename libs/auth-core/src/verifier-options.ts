import { type ClaimsCheck, type ClaimsSchema } from './declared-claims.js';
import { type DpopNonces } from './dpop/dpop-nonces.js';
import { type DpopReplayStore } from './dpop/dpop-replay-store.js';
import { type KnownAlgorithm } from './keys/algorithm.js';
import { type ProfileName } from './profiles/known-profiles.js';
import { type TokenProfile } from './profiles/token-profile.js';
import { type RevocationList } from './revocation-list.js';

/** The state of an issuer's keys. */
export interface KeysReport {
  readonly issuer: string;
  /** Whether the last fetch succeeded, or the last write to the file. */
  readonly ok: boolean;
  /** A message with the cause: `the keys of https://… cannot be loaded: fetch failed: getaddrinfo ENOTFOUND …`. */
  readonly message: string;
}

/** Whose tokens a verifier accepts, and how it gets the keys. */
export interface VerifierOptions<Claims = unknown> {
  /** The issuer identifier, compared exactly with `iss`. */
  readonly issuer: string;
  /** This service's name: the `aud` that it accepts; a list if it has several. */
  readonly audience: string | readonly string[];
  /**
   * The form of the issuer's access tokens; by default that of our own issuer: RFC 9068 with one audience, and always a scope. `rfc9068` also accepts
   * a list of audiences that contains this service, and a token without scopes. Another name selects a known product, an object defines any form.
   */
  readonly profile?: ProfileName | TokenProfile | undefined;
  /**
   * The URL of the keys. By default our own issuer's `/.well-known/jwks.json`; with a `profile` it is discovered from the issuer's metadata (OpenID
   * Connect Discovery, RFC 8414).
   */
  readonly jwksUrl?: string | undefined;
  /** Allows keys over plain http beyond this machine's loopback address, where a man in the middle can forge them; false by default. */
  readonly allowPlainHttp?: boolean | undefined;
  /**
   * Accepted signature algorithms; ES256, EdDSA, RS256 and PS256 by default. Name only what your issuer signs with to accept nothing else; also
   * supported: ES384, ES512, RS384, RS512, PS384, PS512, ML-DSA-44, ML-DSA-65, ML-DSA-87. `EdDSA` includes `Ed25519`.
   */
  readonly algorithms?: readonly KnownAlgorithm[] | undefined;
  /** Tolerated clock difference in seconds: 0 to 5, 5 by default. */
  readonly clockToleranceSeconds?: number | undefined;
  /** Maximum verified tokens cached; 10,000 by default, 0 disables the cache. */
  readonly cacheSize?: number | undefined;
  /** Maximum seconds between background refreshes of the keys; 240 by default. The response's `max-age` can ask for fewer. */
  readonly refreshIntervalSeconds?: number | undefined;
  /** Seconds in which unknown `kid`s cause at most one fetch; 10 by default. */
  readonly cooldownSeconds?: number | undefined;
  /** Seconds for which the last good keys are used while the issuer is unavailable; 86,400 by default. */
  readonly maxStaleSeconds?: number | undefined;
  /** A file that keeps the last good keys (written 0600), so that a start during an outage of the issuer works; none by default. */
  readonly keysFile?: string | undefined;
  /** Timeout of one fetch of the keys in milliseconds; 5,000 by default. */
  readonly timeoutMs?: number | undefined;
  readonly revocations?: RevocationList | undefined;
  /** Further claims to include in the principal as `claims`; a token that lacks one is refused. */
  readonly claims?: ClaimsSchema<Claims> | undefined;
  /** Custom checks, run in this order after all others have passed. */
  readonly checks?: readonly ClaimsCheck[] | undefined;
  /**
   * Called with the reason when keys cannot be loaded, again when the reason changes, and when they can be loaded again; emits a process warning by
   * default.
   */
  readonly onKeys?: ((report: KeysReport) => void) | undefined;
  /** Like {@link onKeys}, about storing the keys in {@link keysFile}: the service runs, but its next start needs the issuer. */
  readonly onKeysFile?: ((report: KeysReport) => void) | undefined;
  /** Where used DPoP proofs are remembered; in this process by default, so pass a shared store if the service has replicas. */
  readonly dpopReplays?: DpopReplayStore | undefined;
  /** Nonces that DPoP proofs must carry (RFC 9449, section 9); none are required by default. */
  readonly dpopNonces?: DpopNonces | undefined;
  /** Seconds after its `iat` for which a DPoP proof is valid: 1 to 300, 60 by default. */
  readonly dpopLifetimeSeconds?: number | undefined;
  /** Milliseconds since 1970; `Date.now` by default. */
  readonly now?: (() => number) | undefined;
  /** Milliseconds of a monotonic clock, for durations; `performance.now` by default. */
  readonly monotonic?: (() => number) | undefined;
  readonly fetch?: typeof globalThis.fetch | undefined;
}

/** One of several issuers; options that are omitted here are those of the verifier. */
export type IssuerOptions = Partial<Omit<VerifierOptions, 'issuer' | 'claims'>> & Pick<VerifierOptions, 'issuer'>;

/** The options that issuers may share. Keys and revocations belong to each issuer: none can revoke another's tokens. */
type CommonOptions<Claims> = Omit<
  VerifierOptions<Claims>,
  'issuer' | 'audience' | 'profile' | 'jwksUrl' | 'keysFile' | 'revocations'
>;

/** Several issuers in one verifier: a migration, a gateway. */
export interface SeveralIssuersOptions<Claims = unknown> extends CommonOptions<Claims> {
  /** This service's name at each issuer that does not set its own. */
  readonly audience: string | readonly string[];
  /** Each with its own profile, keys and revocations; `iss` selects the one for a token. */
  readonly issuers: readonly [IssuerOptions, ...IssuerOptions[]];
}

/** A DPoP proof and the request that it came with (RFC 9449, section 7.1: `Authorization: DPoP …` and the header `DPoP`). */
export interface DpopPresentation {
  /** The value of the `DPoP` header. */
  readonly proof: string;
  readonly method: string;
  /** The URL as the caller sees it: scheme, host and path from outside any proxy. */
  readonly url: string;
}
