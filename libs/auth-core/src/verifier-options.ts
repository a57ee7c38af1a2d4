import { type ClaimsCheck, type ClaimsSchema } from './declared-claims.js';
import { type DpopNonces } from './dpop/dpop-nonces.js';
import { type DpopReplayStore } from './dpop/dpop-replay-store.js';
import { type KnownAlgorithm } from './keys/algorithm.js';
import { type ProfileName } from './profiles/known-profiles.js';
import { type TokenProfile } from './profiles/token-profile.js';
import { type RevocationList } from './revocation-list.js';

/** How it is with an issuer's keys. */
export interface KeysReport {
  readonly issuer: string;
  /** Whether the last fetch brought them. */
  readonly ok: boolean;
  /** In words, with the cause: `the keys of https://… cannot be loaded: fetch failed: getaddrinfo ENOTFOUND …`. */
  readonly message: string;
}

export interface VerifierOptions<Claims = unknown> {
  /** The issuer identifier, compared exactly with `iss`. */
  readonly issuer: string;
  /** This service's name: the `aud` that it accepts; a list where it has several. */
  readonly audience: string | readonly string[];
  /**
   * How the issuer's access tokens look; by default as our own issuer makes them: RFC 9068 with one audience, and a scope always. `rfc9068` takes
   * a list of audiences that contains this service, and a token without scopes. A name stands for another maker's tokens, an object for any.
   */
  readonly profile?: ProfileName | TokenProfile | undefined;
  /**
   * Where the keys are. By default our own issuer's `/.well-known/jwks.json`; with a `profile` they are found by the issuer alone, through its
   * metadata (OpenID Connect Discovery, RFC 8414).
   */
  readonly jwksUrl?: string | undefined;
  /** Lets keys come by plain http beyond this machine's loopback address, where somebody in between can forge them; false by default. */
  readonly allowPlainHttp?: boolean;
  /**
   * Accepted signature algorithms; ES256, EdDSA, RS256 and PS256 by default. Name what your issuer signs with to accept no other, or one of the
   * further ones: ES384, ES512, RS384, RS512, PS384, PS512, ML-DSA-44, ML-DSA-65, ML-DSA-87. `EdDSA` stands for `Ed25519` too.
   */
  readonly algorithms?: readonly KnownAlgorithm[];
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
  /** Further claims that the principal is to carry as `claims`; a token that lacks one is refused. */
  readonly claims?: ClaimsSchema<Claims> | undefined;
  /** Checks of one's own, asked in this order once all others have passed. */
  readonly checks?: readonly ClaimsCheck[] | undefined;
  /** Told why keys cannot be loaded, at once and whenever the reason changes, and when they can be again; a process warning by default. */
  readonly onKeys?: ((report: KeysReport) => void) | undefined;
  /** Where used DPoP proofs are remembered; in this process by default, so give a shared one where a service has replicas. */
  readonly dpopReplays?: DpopReplayStore;
  /** Nonces that DPoP proofs must carry (RFC 9449, section 9); none are asked for by default. */
  readonly dpopNonces?: DpopNonces;
  /** Seconds after its `iat` for which a DPoP proof is valid: 1 to 300, 60 by default. */
  readonly dpopLifetimeSeconds?: number;
  /** Milliseconds since 1970; `Date.now` by default. */
  readonly now?: () => number;
  /** Milliseconds of a clock that is never set back, for durations; `performance.now` by default. */
  readonly monotonic?: () => number;
  readonly fetch?: typeof globalThis.fetch;
}

/** One of several issuers: what is not said here is as for all. */
export type IssuerOptions = Partial<Omit<VerifierOptions, 'issuer' | 'claims'>> & Pick<VerifierOptions, 'issuer'>;

/** What issuers may have in common. Keys and revocations are each issuer's own: what one revokes is nobody else's. */
type CommonOptions<Claims> = Omit<
  VerifierOptions<Claims>,
  'issuer' | 'audience' | 'profile' | 'jwksUrl' | 'keysFile' | 'revocations'
>;

/** Several issuers in one verifier: a migration, a gateway. */
export interface SeveralIssuersOptions<Claims = unknown> extends CommonOptions<Claims> {
  /** This service's name at each issuer that does not say another. */
  readonly audience: string | readonly string[];
  /** Each with its own profile, keys and revocations; tokens go to theirs by `iss`. */
  readonly issuers: readonly [IssuerOptions, ...IssuerOptions[]];
}

/** A DPoP proof and the request that it came with (RFC 9449, section 7.1: `Authorization: DPoP …` and the header `DPoP`). */
export interface DpopPresentation {
  /** The value of the `DPoP` header. */
  readonly proof: string;
  readonly method: string;
  /** The address as the caller knows it: scheme, host and path from outside any proxy. */
  readonly url: string;
}
