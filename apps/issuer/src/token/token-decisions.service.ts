import { Inject, Injectable } from '@nestjs/common';
import { uuidv7 } from '@countersign/audit-event';
import { CLOCK, OAuthError, type RequestTrace } from '@countersign/service-host';
import { ApiKeyRefused } from '../api-keys/api-key-authentication.service.js';
import { ClientAuthenticationFailed } from '../authentication/authentication-failure.js';
import { ClientAuthentication } from '../authentication/client-authentication.service.js';
import { clientCredentialsOf } from '../authentication/client-credentials.js';
import { parseForm } from '../authentication/oauth-form.js';
import { ISSUER_URL } from '../issuer-url.js';
import { TooManyRequests } from '../limits/authentication-limits.service.js';
import { mayUseGrant } from '../registry/application.js';
import { type Client } from '../registry/client.js';
import { Replica } from '../registry/replica.service.js';
import { GrantRefused, type TogetherRefused } from './grants/grant.js';
import { TokenGrants } from './grants/token-grants.service.js';
import { type TokenParameters } from './grants/token-parameters.js';
import { SenderConstraint } from '../authentication/sender-constraint.service.js';
import { type Granted, type Refused, type TokenDecision } from './token-decision.js';
import { tokenRequestOf } from '../authentication/token-request.js';

export const TOKEN_LIFETIME = Symbol('countersign.issuer.token-lifetime');

/** The headers of a request for a token. */
export interface TokenHeaders {
  readonly authorization: string | undefined;
  /** RFC 9449, section 5. */
  readonly dpop: string | undefined;
}

/** What is known of a request so far. */
type Progress = { -readonly [Member in keyof Omit<Refused, 'granted' | 'answer' | 'reason'>]: Refused[Member] };

/** @throws what is nobody's refusal: a fault of the issuer itself */
function refusedFor(error: unknown, known: Progress): Refused {
  if (error instanceof ClientAuthenticationFailed) {
    const { answer, reason, claimedClientId } = error;
    return { granted: false, ...known, answer, reason, claimedClientId };
  }
  if (error instanceof TooManyRequests) {
    const { client = known.client } = error;
    return {
      granted: false,
      ...known,
      ...(client === undefined ? {} : { client }),
      answer: error,
      reason: 'RATE_LIMITED',
    };
  }
  if (error instanceof GrantRefused) {
    const { reason, txn = known.txn } = error;
    return { granted: false, ...known, answer: error, reason, txn };
  }
  if (error instanceof ApiKeyRefused) return { granted: false, ...known, answer: error, reason: error.fault };
  if (error instanceof OAuthError) return { granted: false, ...known, answer: error, reason: error.error };
  throw error;
}

function grantNotDeclared(): OAuthError {
  return new OAuthError(400, 'unauthorized_client', 'the client does not declare this grant type');
}

/** Authenticates and decides, by the registry as this replica holds it. It changes nothing. */
@Injectable()
export class TokenDecisions {
  constructor(
    @Inject(ClientAuthentication) private readonly authentication: ClientAuthentication,
    @Inject(TokenGrants) private readonly grants: TokenGrants,
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
  async decide(
    body: unknown,
    { authorization, dpop }: TokenHeaders,
    trace: RequestTrace,
    again: boolean,
  ): Promise<TokenDecision> {
    const known: Progress = {};
    try {
      const form = parseForm(body);
      const credentials = clientCredentialsOf(form, authorization);
      const { client, assertion } = await this.authentication.verify(credentials, trace, again);
      known.client = client;
      known.assertion = assertion;
      const grant = (known.grant = this.grants.named(form));
      if (!mayUseGrant(client, grant.type)) throw grantNotDeclared();
      if (grant.decidedBefore === undefined) known.request = tokenRequestOf(form);
      const read = grant.read(form, client, trace);
      const basis = read instanceof Promise ? await read : read;
      const { subject, origin, together } = basis;
      const request = (known.request ??= basis.request);
      if (request === undefined) throw new Error('a grant that decided before says what');
      known.subject = subject;
      const txn = (known.txn = basis.txn);
      const proof = basis.staysWithClient === true ? undefined : this.constraint.proofOf(dpop, client.policy);
      const now = this.clock().getTime();
      const decision = basis.decide(client.policy, request, now, proof?.thumbprint);
      if (!decision.ok) return refusedFor(new OAuthError(400, decision.error, decision.description), known);
      const parameters = this.#parameters(client, request.audience, decision.scopes, now, proof?.thumbprint);
      const claims = basis.claims(parameters);
      return { granted: true, client, assertion, grant, request, subject, txn, origin, proof, claims, together };
    } catch (error) {
      return refusedFor(error, known);
    }
  }

  /** What a decision becomes when its assertion was used before, here or at another replica. */
  async replayed({ client, grant, request, subject, txn }: TokenDecision, trace: RequestTrace): Promise<Refused> {
    if (client === undefined) throw new Error('only a known client has an assertion to use up');
    const known = { grant, request, txn: txn ?? subject?.txn };
    return refusedFor(await this.authentication.replayed(client, trace), known);
  }

  #parameters(
    { client_id: clientId, kind, policy }: Client,
    audience: string,
    scopes: readonly string[],
    now: number,
    boundTo: string | undefined,
  ): TokenParameters {
    return {
      issuer: this.issuer,
      clientId,
      ...(kind === undefined ? {} : { kind }),
      audience,
      scopes,
      tokenId: uuidv7(this.replica.issueTime()),
      issuedAt: Math.floor(now / 1_000),
      boundTo,
      lifetime: Math.min(this.lifetime, policy.token_lifetime ?? this.lifetime),
    };
  }
}

/** What a granted token becomes when what it rests on was used up in the meantime. */
export function overtaken(
  { client, grant, request, subject, txn }: Granted,
  { reason, description }: TogetherRefused,
): Refused {
  const answer = new OAuthError(400, 'invalid_grant', description);
  return { granted: false, client, grant, request, subject, answer, reason, txn };
}

/** What a granted token becomes when the proof of its key was used before: somebody may have copied the request. The assertion is not used up. */
export function proofReplayed({ client, grant, request, subject, txn }: Granted, answer: OAuthError): Refused {
  return { granted: false, client, grant, request, subject, txn, answer, reason: 'DPOP_PROOF_REPLAYED' };
}
