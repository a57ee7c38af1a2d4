import { Inject, Injectable } from '@nestjs/common';
import { OwnSignatures } from '../token/own-signatures.service.js';
import { ISSUER_URL } from '../issuer-url.js';

/** The content of an ID token of this issuer, whether or not it has expired. */
export interface IdTokenHint {
  readonly clientId: string;
  readonly subject: string;
  /** The session in which it was issued. */
  readonly sessionId: string | undefined;
}

/** An ID token's type; everything else that the same keys sign has another type. */
const idTokenType = /^(?:application\/)?jwt$/i;

/** Reads `id_token_hint` (OpenID Connect RP-Initiated Logout 1.0, section 2): proof of the application in which a person was signed in. */
@Injectable()
export class IdTokenHints {
  constructor(
    @Inject(OwnSignatures) private readonly own: OwnSignatures,
    @Inject(ISSUER_URL) private readonly issuer: string,
  ) {}

  /** @returns undefined unless it is an ID token of this issuer, signed by a key that is still published */
  read(token: string): IdTokenHint | undefined {
    const read = this.own.read(token);
    if (read === undefined || !idTokenType.test(read.type ?? '')) return undefined;
    const { iss, aud, sub, sid } = read.claims;
    if (iss !== this.issuer || typeof aud !== 'string' || typeof sub !== 'string') return undefined;
    return { clientId: aud, subject: sub, sessionId: typeof sid === 'string' ? sid : undefined };
  }
}
