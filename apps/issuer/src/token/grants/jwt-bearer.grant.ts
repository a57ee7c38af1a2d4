import { Inject, Injectable } from '@nestjs/common';
import { acceptsType } from '@countersign/auth-core/profiles';
import { TokenError, type Principal, JWT_BEARER } from '@countersign/auth-core';
import { CLOCK } from '@countersign/service-host';
import { type Form } from '../../authentication/oauth-form.js';
import { ISSUER_URL } from '../../issuer-url.js';
import { type OutsideIssuer } from '../../outside/outside-issuer.js';
import { assertionProfile, identityAssertion } from '../../outside/outside-profiles.js';
import { assertionLimits, type AssertionLimits } from '../../outside/outside-subject.js';
import { OutsideTokens, type OutsideToken } from '../../outside/outside-tokens.service.js';
import { type Client } from '../../registry/client.js';
import { decideOutsideExchange } from '../../registry/policy.js';
import { refused } from '../../registry/refused.js';
import { Issuances } from '../commits/issuances.store.js';
import { GrantRefused, type GrantBasis, type GrantDecision, type TokenGrant } from './grant.js';
import { edgesFrom } from './edges-from.js';
import { claimsForOutside, tooShort } from './exchanged-claims.js';

/** Seconds that an assertion may be good for at most: it is made for one request. */
const LIFETIME_LIMIT = 600;
const REPLAYED = 'the assertion was used before; get a new one from its issuer for each request';

interface Assertion extends OutsideToken {
  readonly issuer: OutsideIssuer;
  readonly limits: AssertionLimits;
}

function faultOf(error: unknown): Error {
  if (!(error instanceof TokenError)) return error instanceof Error ? error : new Error(String(error));
  const claim = error.detail === undefined ? '' : ` (${error.detail})`;
  return new GrantRefused(`ASSERTION_${error.code}`, `the assertion is not accepted: ${error.message}${claim}`);
}

/** No more than the assertion allows, where it says so. */
function withinLimits(
  { scopes, resources }: AssertionLimits,
  audience: string,
  asked: readonly string[],
): GrantDecision | undefined {
  if (resources !== undefined && !resources.includes(audience)) {
    return refused('invalid_target', 'the assertion is not for this audience');
  }
  if (scopes !== undefined && !asked.every((scope) => scopes.has(scope))) {
    return refused('invalid_scope', 'a requested scope is not in the assertion');
  }
  return undefined;
}

/** An assertion that is bound to a key works for who has the key only (draft-ietf-oauth-identity-assertion-authz-grant). */
function boundElsewhere({ confirmation }: Principal, boundTo: string | undefined): GrantDecision | undefined {
  if (confirmation === undefined || ('jkt' in confirmation && confirmation.jkt === boundTo)) return undefined;
  return refused('invalid_grant', 'the assertion is bound to another key; send a DPoP proof of that key');
}

/**
 * `jwt-bearer` (RFC 7523, section 2.1): another issuer's assertion says for whom the client acts; ID-JAG is one that names the client too. It works
 * once.
 */
@Injectable()
export class JwtBearer implements TokenGrant {
  readonly type = JWT_BEARER;
  readonly action = 'token:exchange';

  constructor(
    @Inject(OutsideTokens) private readonly outside: OutsideTokens,
    @Inject(Issuances) private readonly issuances: Issuances,
    @Inject(ISSUER_URL) private readonly issuer: string,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  async read({ assertion: text }: Form, client: Client): Promise<GrantBasis> {
    if (text === undefined) throw new GrantRefused('ASSERTION_MISSING', 'assertion is missing', 'invalid_request');
    const { issuer, subject, limits } = await this.#verified(text, client).catch((error: unknown) => {
      throw faultOf(error);
    });
    return {
      subject,
      origin: subject.tokenId,
      decide: (policy, { audience, scopes }, now, boundTo) =>
        withinLimits(limits, audience, scopes) ??
        boundElsewhere(subject, boundTo) ??
        tooShort(subject, now) ??
        decideOutsideExchange(policy, { ...subject, issuer: issuer.name, audiences: [this.issuer] }, this.issuer, {
          audience,
          scopes,
        }),
      claims: (parameters) => claimsForOutside(parameters, subject),
      together: {
        commit: async (_issuing, decided) => {
          const outcome = await this.issuances.commitWith(decided, usedOf(issuer, subject));
          if (outcome !== 'brought') return { outcome };
          return { outcome: 'refused', refusal: { reason: 'ASSERTION_REPLAYED', description: REPLAYED } };
        },
      },
    };
  }

  /** @throws {TokenError} */
  async #verified(text: string, client: Client): Promise<Assertion> {
    const { issuer, typ } = this.outside.claimed(text);
    if (issuer === undefined) throw new TokenError('ISSUER_MISMATCH', 'iss');
    const kind = acceptsType(identityAssertion, typ) ? 'id-jag' : 'jwt';
    if (!issuer.accepts.includes(kind)) throw new TokenError('TYP_NOT_ALLOWED', 'typ');
    if (edgesFrom(client, issuer).length === 0) throw new TokenError('ISSUER_MISMATCH', 'iss');
    const profile = assertionProfile(issuer, kind);
    const { subject, claims } = await this.outside.verify(text, issuer, profile, [this.issuer], true);
    const { client_id: named } = claims;
    if (named !== client.client_id && (kind === 'id-jag' || named !== undefined)) {
      throw new TokenError('CLAIM_INVALID', 'client_id');
    }
    const now = this.clock().getTime() / 1_000;
    const { issuedAt, expiresAt } = subject;
    if (Math.max(expiresAt - issuedAt, expiresAt - now) > LIFETIME_LIMIT) throw new TokenError('CLAIM_INVALID', 'exp');
    return { issuer, subject, claims, limits: assertionLimits(claims, subject.scopes) };
  }
}

/** The issuer's name ends in what no client's name holds, so that the two kinds of assertions never meet. */
function usedOf({ name }: OutsideIssuer, { tokenId, expiresAt }: Principal) {
  return { clientId: `${name}|`, jti: tokenId, expiresAt };
}
