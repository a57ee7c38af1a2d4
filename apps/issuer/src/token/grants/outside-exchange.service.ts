import { Inject, Injectable } from '@nestjs/common';
import { TokenError } from '@countersign/auth-core';
import { OAuthError } from '@countersign/service-host';
import { ISSUER_URL } from '../../issuer-url.js';
import { type OutsideIssuer } from '../../outside/outside-issuer.js';
import { subjectTokenProfile } from '../../outside/outside-profiles.js';
import { OutsideTokens, type OutsideToken } from '../../outside/outside-tokens.service.js';
import { type Client } from '../../registry/client.js';
import { decideOutsideExchange } from '../../registry/policy.js';
import { audiencesOf, edgesFrom } from './edges-from.js';
import { claimsForOutside, tooShort } from './exchanged-claims.js';
import { type GrantBasis } from './grant.js';

/** The kinds of tokens of outside issuers that can be exchanged, as `subject_token_type` ends (RFC 8693, section 3). */
export type OutsideSubjectKind = 'access_token' | 'id_token' | 'jwt';

/** Token exchange for somebody of an outside issuer: by that issuer's token, along the client's declared edges. */
@Injectable()
export class OutsideExchange {
  constructor(
    @Inject(OutsideTokens) private readonly outside: OutsideTokens,
    @Inject(ISSUER_URL) private readonly issuer: string,
  ) {}

  /** The declared issuer that a token claims to be of. */
  issuerOf(token: string): OutsideIssuer | undefined {
    try {
      return this.outside.claimed(token).issuer;
    } catch (error) {
      if (error instanceof TokenError) return undefined;
      throw error;
    }
  }

  /** @throws {OAuthError} */
  async read(token: string, kind: OutsideSubjectKind, issuer: OutsideIssuer, client: Client): Promise<GrantBasis> {
    if (!issuer.accepts.includes(kind)) {
      throw new OAuthError(400, 'invalid_request', `no token of this issuer is accepted as ${kind}`);
    }
    const [first, ...others] = audiencesOf(edgesFrom(client, issuer), this.issuer);
    if (first === undefined) {
      throw new OAuthError(400, 'invalid_target', 'the client may not exchange tokens of this issuer');
    }
    const profile = subjectTokenProfile(issuer, kind);
    const { subject, claims } = await this.outside.verify(token, issuer, profile, [first, ...others]).catch(refuse);
    const audiences = kind === 'id_token' ? [subject.audience] : [...listOf(claims['aud']), subject.audience];
    return {
      subject,
      origin: subject.tokenId,
      decide: (policy, request, now) =>
        tooShort(subject, now) ??
        decideOutsideExchange(policy, { ...subject, issuer: issuer.name, audiences }, this.issuer, request),
      claims: (parameters) => claimsForOutside(parameters, subject),
    };
  }
}

const listOf = (aud: unknown): readonly unknown[] => (Array.isArray(aud) ? aud : [aud]);

/** @throws {OAuthError} `invalid_request` (RFC 8693, section 2.2.2) */
function refuse(error: unknown): Promise<OutsideToken> {
  if (!(error instanceof TokenError)) throw error;
  const claim = error.detail === undefined ? '' : ` (${error.detail})`;
  throw new OAuthError(400, 'invalid_request', `the subject token is not accepted: ${error.message}${claim}`);
}
