import { Inject, Injectable } from '@nestjs/common';
import { TokenError, type JsonObject, type Principal } from '@countersign/auth-core';
import { principalOfClaims } from '@countersign/auth-core/jws';
import { CLOCK } from '@countersign/service-host';
import { ISSUER_URL } from '../issuer-url.js';
import { CLOCK_TOLERANCE_SECONDS } from '../registry/clocks.js';
import { OwnSignatures } from './own-signatures.service.js';

/** An access token of this issuer, verified, for whatever audience. */
export interface OwnToken {
  readonly keyId: string;
  readonly principal: Principal;
  readonly claims: JsonObject;
  /** Whether it has expired, by this issuer's own clock. */
  readonly expired: boolean;
}

/** Reads access tokens that come back to the issuer to be revoked or introspected. */
@Injectable()
export class OwnTokens {
  constructor(
    @Inject(ISSUER_URL) private readonly issuer: string,
    @Inject(OwnSignatures) private readonly own: OwnSignatures,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  /** @returns undefined for what is not an access token of this issuer, signed by a key that is still published */
  read(token: string): OwnToken | undefined {
    const read = this.own.read(token);
    if (read === undefined || !/^(application\/)?at\+jwt$/i.test(read.type ?? '')) return undefined;
    const { keyId, claims } = read;
    try {
      const { aud } = claims;
      if (typeof aud !== 'string') return undefined;
      const now = this.clock().getTime() / 1_000;
      const expected = { issuer: this.issuer, audience: aud, toleranceSeconds: CLOCK_TOLERANCE_SECONDS };
      const principal = principalOfClaims(claims, expected, now);
      return { keyId, principal, claims, expired: now >= principal.expiresAt };
    } catch (error) {
      if (error instanceof TokenError) return undefined;
      throw error;
    }
  }
}
