import { Inject, Injectable } from '@nestjs/common';
import { TokenError, type JsonObject, type Principal } from '@countersign/auth-core';
import {
  isAlgorithm,
  parseCompactJws,
  parseJsonObject,
  principalOfClaims,
  signatureVerifies,
  verificationKeyOf,
  type VerificationKey,
} from '@countersign/auth-core/jws';
import { CLOCK } from '@countersign/service-host';
import { ISSUER_URL } from '../issuer-url.js';
import { CLOCK_TOLERANCE_SECONDS } from '../registry/clocks.js';
import { SIGNING_KEYS, type SigningKeys } from '../registry/key-set.js';

/** An access token of this issuer, verified, for whatever audience. */
export interface OwnToken {
  readonly keyId: string;
  readonly principal: Principal;
  readonly claims: JsonObject;
  /** Whether its life is over, by this issuer's own clock. */
  readonly expired: boolean;
}

/** Reads access tokens that come back to the issuer to be revoked or introspected. */
@Injectable()
export class OwnTokens {
  readonly #keySets = new WeakMap<object, ReadonlyMap<string, VerificationKey>>();

  constructor(
    @Inject(ISSUER_URL) private readonly issuer: string,
    @Inject(SIGNING_KEYS) private readonly keys: SigningKeys,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  /** @returns nothing for what is not an access token of this issuer, signed by a key that is still published */
  read(token: string): OwnToken | undefined {
    try {
      const { header, payload, signature, signingInput } = parseCompactJws(token);
      const { alg, kid, typ, crit } = header;
      if (!isAlgorithm(alg) || typeof kid !== 'string' || crit !== undefined) return undefined;
      if (typeof typ !== 'string' || !/^(application\/)?at\+jwt$/i.test(typ)) return undefined;
      const key = this.#keySet().get(kid);
      if (key?.algorithms.has(alg) !== true || !signatureVerifies(alg, key.key, signingInput, signature))
        return undefined;
      const claims = parseJsonObject(payload);
      const { aud } = claims;
      if (typeof aud !== 'string') return undefined;
      const now = this.clock().getTime() / 1_000;
      const expected = { issuer: this.issuer, audience: aud, toleranceSeconds: CLOCK_TOLERANCE_SECONDS };
      const principal = principalOfClaims(claims, expected, now);
      return { keyId: kid, principal, claims, expired: now >= principal.expiresAt };
    } catch (error) {
      if (error instanceof TokenError) return undefined;
      throw error;
    }
  }

  /** Making key objects costs more than a signature: they are kept for as long as the same keys are published. */
  #keySet(): ReadonlyMap<string, VerificationKey> {
    const { published } = this.keys;
    const known = this.#keySets.get(published);
    if (known !== undefined) return known;
    const made = new Map<string, VerificationKey>();
    for (const jwk of published) {
      const key = verificationKeyOf({ ...jwk });
      if (key !== undefined) made.set(key.keyId, key);
    }
    this.#keySets.set(published, made);
    return made;
  }
}
