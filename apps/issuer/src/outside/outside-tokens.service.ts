import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { Discovery, TokenReader, type JsonObject, type KeySource } from '@countersign/auth-core/jws';
import { acceptsType, principalByProfile } from '@countersign/auth-core/profiles';
import { TokenError, type Principal, type RevocationList, type TokenProfile } from '@countersign/auth-core';
import { CLOCK, ConfigurationError, OAuthError } from '@countersign/service-host';
import { ISSUER_URL } from '../issuer-url.js';
import { CLOCK_TOLERANCE_SECONDS } from '../registry/clocks.js';
import { RemoteKeys } from '../registry/remote-keys.service.js';
import { REVOKED } from '../registry/revocation-memory.service.js';
import { type OutsideIssuer } from './outside-issuer.js';
import { outsideSubject } from './outside-subject.js';

export const OUTSIDE_ISSUERS = Symbol('countersign.issuer.outside-issuers');

/** A verified token of an outside issuer. */
export interface OutsideToken {
  /** Who it is about, under their names here. */
  readonly subject: Principal;
  /** The claims as they came. */
  readonly claims: JsonObject;
}

const reader = new TokenReader();

/** Verifies tokens of the declared outside issuers, each with its own keys. */
@Injectable()
export class OutsideTokens {
  readonly #issuers: ReadonlyMap<string, OutsideIssuer>;
  readonly #sources: ReadonlyMap<OutsideIssuer, string | KeySource>;

  constructor(
    @Inject(OUTSIDE_ISSUERS) issuers: readonly OutsideIssuer[],
    @Inject(RemoteKeys) private readonly keys: RemoteKeys,
    @Inject(REVOKED) private readonly revocations: RevocationList,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(ISSUER_URL) own: string,
  ) {
    if (issuers.some(({ issuer }) => issuer === own)) {
      throw new ConfigurationError(['TRUSTED_ISSUERS_FILE: must not declare this issuer itself']);
    }
    this.#issuers = new Map(issuers.map((issuer) => [issuer.issuer, issuer]));
    this.#sources = new Map(issuers.map((issuer) => [issuer, sourceOf(issuer)]));
    for (const source of this.#sources.values()) this.keys.prepare(source);
  }

  /**
   * The declared issuer that a token claims to come from, and its `typ`; neither is verified.
   * @throws {TokenError} if it is not a token at all
   */
  claimed(token: string): { readonly issuer: OutsideIssuer | undefined; readonly typ: unknown } {
    const { typ } = reader.read(token);
    const { iss } = reader.claims();
    return { issuer: typeof iss === 'string' ? this.#issuers.get(iss) : undefined, typ };
  }

  /**
   * @param audiences what the token may be for: one of these
   * @param isOurClient whether the token names one of our own clients
   * @throws {TokenError}
   * @throws {OAuthError} 503 while the issuer's keys are unavailable, because then nothing is known about the token
   */
  async verify(
    token: string,
    issuer: OutsideIssuer,
    profile: TokenProfile,
    audiences: readonly [string, ...string[]],
    isOurClient = false,
  ): Promise<OutsideToken> {
    const { algorithm, alg, typ, crit, kid } = reader.read(token);
    const claims = reader.claims();
    if (algorithm === undefined || !issuer.algorithms.includes(algorithm)) {
      throw new TokenError('ALG_NOT_ALLOWED', 'alg', { expected: issuer.algorithms.join(' '), actual: alg });
    }
    if (!acceptsType(profile, typ)) throw new TokenError('TYP_NOT_ALLOWED', 'typ', { actual: typ });
    if (crit !== undefined) throw new TokenError('CRIT_NOT_SUPPORTED');
    if (kid !== undefined && typeof kid !== 'string') throw new TokenError('KEY_UNKNOWN', 'kid');
    const source = this.#sources.get(issuer) ?? issuer.issuer;
    const candidates = await this.keys.candidates(source, algorithm, kid);
    if (!this.keys.areThere(source)) throw keysAway();
    if (candidates.length === 0) throw new TokenError('KEY_UNKNOWN', 'kid', { actual: kid });
    // Another token may have been read while waiting for the keys.
    reader.read(token);
    if (!candidates.some(({ key }) => reader.verifies(algorithm, key))) throw new TokenError('SIGNATURE_INVALID');
    const [audience, ...others] = audiences;
    const expected = { issuer: issuer.issuer, audience, others, toleranceSeconds: CLOCK_TOLERANCE_SECONDS };
    const now = this.clock().getTime() / 1_000;
    const read = principalByProfile(profile, claims, expected, now, () => fingerprintOf(token));
    const subject = outsideSubject(issuer, read, isOurClient);
    // The keys are not ours, so no revocation names them.
    if (this.revocations.isRevoked(subject, '')) throw new TokenError('TOKEN_REVOKED');
    return { subject, claims };
  }
}

function keysAway(): OAuthError {
  return new OAuthError(
    503,
    'temporarily_unavailable',
    "the keys of the token's issuer could not be fetched; try again",
    {
      'retry-after': '5',
    },
  );
}

/** Identifies a token that has no id: the hash of everything that is signed. */
function fingerprintOf(token: string): string {
  const signed = token.slice(0, token.lastIndexOf('.'));
  return createHash('sha256').update(signed).digest('base64url');
}

/** Keys without a declared address are discovered through the issuer's metadata. */
function sourceOf({ issuer, jwks_uri: uri }: OutsideIssuer): string | KeySource {
  if (uri !== undefined) return uri;
  return new Discovery({
    issuer,
    fetch: (...request) => fetch(...request),
    allowPlainHttp: false,
    monotonic: () => performance.now(),
  });
}
