import { Inject, Injectable } from '@nestjs/common';
import { uuidv7 } from '@countersign/audit-event';
import { type DpopProof, type Principal } from '@countersign/auth-core';
import { CLOCK, OAuthError, type RequestTrace } from '@countersign/service-host';
import { ClientAuthentication, ClientAuthenticationFailed, ISSUER_URL } from '../clients/client-authentication.js';
import { clientCredentialsOf } from '../clients/client-credentials.js';
import { type Client } from '../clients/client.js';
import { parseForm } from '../clients/oauth-form.js';
import { decideClientCredentials, decideExchange, type Decision } from '../clients/policy.js';
import { type UsedAssertion } from '../clients/used-assertions.store.js';
import { TooManyRequests } from '../limits/authentication-limits.js';
import { Replica } from '../replica/replica.js';
import { type AccessTokenClaims } from './access-token.js';
import { claimsForClient, claimsForExchange, endsTooSoon, LEAST_EXCHANGED_LIFETIME } from './grants.js';
import { SenderConstraint } from './sender-constraint.js';
import { SubjectTokens } from './subject-tokens.js';
import { tokenRequestOf, type TokenRequest } from './token-request.js';

export const TOKEN_LIFETIME = Symbol('countersign.issuer.token-lifetime');

/** What was learned about a request, as far as it went. */
export interface TokenDecision {
  readonly client?: Client;
  readonly assertion?: UsedAssertion;
  readonly request?: TokenRequest;
  readonly subject?: Principal;
  /** The proof of the key that the token is bound to; it is still to be used up. */
  readonly proof?: DpopProof;
  /** What the token says; nothing when it is refused. */
  readonly claims?: AccessTokenClaims;
  readonly refusal?: Refusal;
}

/** Who asks, as far as the form does not say it. */
export interface TokenCaller {
  readonly trace: RequestTrace;
  readonly authorization: string | undefined;
  /** RFC 9449, section 5. */
  readonly dpop: string | undefined;
}

/** What the caller is told, and what the trail is told. */
export interface Refusal {
  readonly answer: OAuthError;
  readonly reason: string;
  /** Whom the caller claimed to be, when that could not be proven. */
  readonly claimedClientId?: string | undefined;
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof ClientAuthenticationFailed) {
    return { answer: error.answer, reason: error.reason, claimedClientId: error.claimedClientId };
  }
  if (error instanceof TooManyRequests) return { answer: error, reason: 'RATE_LIMITED' };
  if (error instanceof OAuthError) return { answer: error, reason: error.error };
  throw error;
}

/** Authenticates and decides, by the registry as this replica holds it. It changes nothing. */
@Injectable()
export class TokenDecisions {
  constructor(
    @Inject(ClientAuthentication) private readonly authentication: ClientAuthentication,
    @Inject(SubjectTokens) private readonly subjectTokens: SubjectTokens,
    @Inject(SenderConstraint) private readonly constraint: SenderConstraint,
    @Inject(ISSUER_URL) private readonly issuer: string,
    @Inject(TOKEN_LIFETIME) private readonly lifetime: number,
    @Inject(Replica) private readonly replica: Replica,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  /**
   * @param again whether the same request was decided before, on the ground of an older version
   * @throws only what is nobody's refusal: a fault of the issuer itself
   */
  async decide(body: unknown, { authorization, dpop, trace }: TokenCaller, again: boolean): Promise<TokenDecision> {
    const known: { -readonly [Member in keyof TokenDecision]: TokenDecision[Member] } = {};
    try {
      const form = parseForm(body);
      const credentials = clientCredentialsOf(form, authorization);
      const { client, assertion } = await this.authentication.verify(credentials, trace, again);
      known.client = client;
      if (assertion !== undefined) known.assertion = assertion;
      const request = tokenRequestOf(form);
      known.request = request;
      const { subjectToken } = request;
      const subject =
        subjectToken === undefined ? undefined : await this.subjectTokens.verify(subjectToken, client.client_id);
      if (subject !== undefined) known.subject = subject;
      const proof = this.constraint.proofOf(dpop, client.policy);
      if (proof !== undefined) known.proof = proof;
      known.claims = this.#claims(request, client, subject, proof?.thumbprint);
    } catch (error) {
      if (error instanceof TooManyRequests && error.client !== undefined) known.client = error.client;
      known.refusal = refusalOf(error);
    }
    return known;
  }

  /** What a decision becomes when its assertion was used before, here or at another replica. */
  async replayed({ client, request }: TokenDecision, trace: RequestTrace): Promise<TokenDecision> {
    if (client === undefined) throw new Error('only a known client has an assertion to use up');
    const refusal = refusalOf(await this.authentication.replayed(client, trace));
    return { ...(request === undefined ? {} : { request }), refusal };
  }

  #claims(
    request: TokenRequest,
    client: Client,
    subject: Principal | undefined,
    boundTo: string | undefined,
  ): AccessTokenClaims {
    const decision = this.#scopes(request, client, subject);
    if (!decision.ok) throw new OAuthError(400, decision.error, decision.description);
    const now = this.clock().getTime();
    if (subject !== undefined && endsTooSoon(subject, now)) {
      const least = String(LEAST_EXCHANGED_LIFETIME);
      const description = `the subject token ends in less than ${least} seconds; exchange one that lives longer`;
      throw new OAuthError(400, 'invalid_grant', description);
    }
    const grant = {
      issuer: this.issuer,
      clientId: client.client_id,
      audience: request.audience,
      scopes: decision.scopes,
      tokenId: uuidv7(this.replica.issueTime()),
      issuedAt: Math.floor(now / 1_000),
      boundTo,
      lifetime: Math.min(this.lifetime, client.policy.token_lifetime ?? this.lifetime),
    };
    return subject === undefined ? claimsForClient(grant) : claimsForExchange(grant, subject);
  }

  #scopes({ audience, scopes }: TokenRequest, { policy }: Client, subject: Principal | undefined): Decision {
    return subject === undefined
      ? decideClientCredentials(policy, audience, scopes)
      : decideExchange(policy, subject, audience, scopes);
  }
}
