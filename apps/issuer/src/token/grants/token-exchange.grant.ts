import { Inject, Injectable } from '@nestjs/common';
import { type Principal, API_KEY_TOKEN_TYPE, TOKEN_EXCHANGE, TOKEN_TYPE } from '@countersign/auth-core';
import { OAuthError, type RequestTrace } from '@countersign/service-host';
import { type Form } from '../../authentication/oauth-form.js';
import { type Client, type Policy } from '../../registry/client.js';
import { decideExchange } from '../../registry/policy.js';
import { SubjectTokens } from './subject-tokens.service.js';
import { type TokenRequest } from '../../authentication/token-request.js';
import { ApiKeyExchange } from './api-key-exchange.service.js';
import { type GrantBasis, type GrantDecision, type TokenGrant } from './grant.js';
import { claimsForExchange, tooShort } from './exchanged-claims.js';
import { OutsideExchange, type OutsideSubjectKind } from './outside-exchange.service.js';

const ACCESS_TOKEN_TYPE = `${TOKEN_TYPE}access_token`;
const outsideKinds: readonly OutsideSubjectKind[] = ['access_token', 'id_token', 'jwt'];

const invalid = (description: string): OAuthError => new OAuthError(400, 'invalid_request', description);

interface SubjectToken {
  readonly kind: OutsideSubjectKind | typeof API_KEY_TOKEN_TYPE;
  readonly token: string;
}

/** The parameters of RFC 8693, section 2.1. @throws {OAuthError} */
function subjectTokenOf(form: Form): SubjectToken {
  const { subject_token: token, subject_token_type: type, requested_token_type: requested, actor_token: actor } = form;
  if (token === undefined) throw invalid('subject_token is missing');
  const kind =
    type === API_KEY_TOKEN_TYPE ? API_KEY_TOKEN_TYPE : outsideKinds.find((one) => type === `${TOKEN_TYPE}${one}`);
  if (kind === undefined) {
    const others = `${TOKEN_TYPE}id_token or jwt for a token of another issuer`;
    throw invalid(`subject_token_type must be ${ACCESS_TOKEN_TYPE} or ${API_KEY_TOKEN_TYPE}, or ${others}`);
  }
  if (requested !== undefined && requested !== ACCESS_TOKEN_TYPE) {
    throw invalid(`requested_token_type, if given, must be ${ACCESS_TOKEN_TYPE}`);
  }
  if (actor !== undefined) throw invalid('actor_token must not be sent: the authenticated client is the actor');
  return { kind, token };
}

/** By the policy's edges, and only while something useful is left of the subject token. @param now milliseconds */
export function decideTokenExchange(
  policy: Policy,
  subject: Principal,
  { audience, scopes }: Pick<TokenRequest, 'audience' | 'scopes'>,
  now: number,
): GrantDecision {
  const decision = decideExchange(policy, subject, audience, scopes);
  return decision.ok ? (tooShort(subject, now) ?? decision) : decision;
}

/** Token exchange (RFC 8693): the client acts for the subject of a token that it holds, or learns whose an API key is. */
@Injectable()
export class TokenExchange implements TokenGrant {
  readonly type = TOKEN_EXCHANGE;
  readonly action = 'token:exchange';
  readonly issuedTokenType = ACCESS_TOKEN_TYPE;

  constructor(
    @Inject(SubjectTokens) private readonly subjectTokens: SubjectTokens,
    @Inject(ApiKeyExchange) private readonly apiKeys: ApiKeyExchange,
    @Inject(OutsideExchange) private readonly outside: OutsideExchange,
  ) {}

  async read(form: Form, client: Client, trace: RequestTrace): Promise<GrantBasis> {
    const { kind, token } = subjectTokenOf(form);
    if (kind === API_KEY_TOKEN_TYPE) return this.apiKeys.read(token, form, client, trace);
    const issuer = this.outside.issuerOf(token);
    if (issuer !== undefined) return this.outside.read(token, kind, issuer, client);
    if (kind !== 'access_token') throw invalid(`subject_token_type must be ${ACCESS_TOKEN_TYPE} for this token`);
    const subject = await this.subjectTokens.verify(token, client.client_id);
    return {
      subject,
      decide: (policy, request, now) => decideTokenExchange(policy, subject, request, now),
      claims: (parameters) => claimsForExchange(parameters, subject),
    };
  }
}
