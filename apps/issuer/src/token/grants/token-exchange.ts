import { Inject, Injectable } from '@nestjs/common';
import { claimOfApiKey, type Principal } from '@countersign/auth-core';
import { OAuthError } from '@countersign/service-host';
import { type Form } from '../../authentication/oauth-form.js';
import { type Client, type Policy } from '../../registry/client.js';
import { decideExchange } from '../../registry/policy.js';
import { type AccessTokenClaims, type ActorClaim } from '../access-token.js';
import { SubjectTokens } from '../subject-tokens.service.js';
import { type TokenRequest } from '../token-request.js';
import { API_KEY_TOKEN_TYPE, ApiKeyExchange } from './api-key-exchange.js';
import { LEAST_LIFETIME } from './least-lifetime.js';
import { type GrantBasis, type GrantDecision, type TokenGrant } from './grant.js';
import { claimsForClient, type TokenParameters } from './token-parameters.js';

export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN_TYPE = 'urn:ietf:params:oauth:token-type:access_token';

const invalid = (description: string): OAuthError => new OAuthError(400, 'invalid_request', description);

interface SubjectToken {
  readonly type: typeof ACCESS_TOKEN_TYPE | typeof API_KEY_TOKEN_TYPE;
  readonly token: string;
}

/** The parameters of RFC 8693, section 2.1. @throws {OAuthError} */
function subjectTokenOf(form: Form): SubjectToken {
  const { subject_token: token, subject_token_type: type, requested_token_type: requested, actor_token: actor } = form;
  if (token === undefined) throw invalid('subject_token is missing');
  if (type !== ACCESS_TOKEN_TYPE && type !== API_KEY_TOKEN_TYPE) {
    throw invalid(`subject_token_type must be ${ACCESS_TOKEN_TYPE} or ${API_KEY_TOKEN_TYPE}`);
  }
  if (requested !== undefined && requested !== ACCESS_TOKEN_TYPE) {
    throw invalid(`requested_token_type, if given, must be ${ACCESS_TOKEN_TYPE}`);
  }
  if (actor !== undefined) throw invalid('actor_token must not be sent: the authenticated client is the actor');
  return { type, token };
}

/** By the policy's edges, and only while something useful is left of the subject token. @param now milliseconds */
export function decideTokenExchange(
  policy: Policy,
  subject: Principal,
  { audience, scopes }: Pick<TokenRequest, 'audience' | 'scopes'>,
  now: number,
): GrantDecision {
  const decision = decideExchange(policy, subject, audience, scopes);
  if (!decision.ok || subject.expiresAt * 1_000 - now >= LEAST_LIFETIME * 1_000) return decision;
  const least = String(LEAST_LIFETIME);
  const description = `the subject token ends in less than ${least} seconds; exchange one that lives longer`;
  return { ok: false, error: 'invalid_grant', description };
}

function actorChain(subjects: readonly string[]): ActorClaim | undefined {
  return subjects.reduceRight<ActorClaim | undefined>(
    (act, sub) => (act === undefined ? { sub } : { sub, act }),
    undefined,
  );
}

/** The subject, its roles and its `txn` stay; the client becomes the newest actor; never longer than the subject token. */
export function claimsForExchange(parameters: TokenParameters, subject: Principal): AccessTokenClaims {
  const act = actorChain([parameters.clientId, ...subject.actors.map((actor) => actor.subject)]);
  return {
    ...claimsForClient(parameters),
    sub: subject.subject,
    exp: Math.min(parameters.issuedAt + parameters.lifetime, subject.expiresAt),
    txn: subject.txn,
    ...(act === undefined ? {} : { act }),
    ...(subject.roles.length === 0 ? {} : { roles: subject.roles }),
    // Where it goes on to, only who it is matters: limits and networks are those of the first service.
    ...(subject.apiKey === undefined
      ? {}
      : { api_key: claimOfApiKey({ ...subject.apiKey, networks: [], limits: undefined }) }),
  };
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
  ) {}

  async read(form: Form, client: Client): Promise<GrantBasis> {
    const { type, token } = subjectTokenOf(form);
    if (type === API_KEY_TOKEN_TYPE) return this.apiKeys.read(token, form, client);
    const subject = await this.subjectTokens.verify(token, client.client_id);
    return {
      subject,
      decide: (policy, request, now) => decideTokenExchange(policy, subject, request, now),
      claims: (parameters) => claimsForExchange(parameters, subject),
    };
  }
}
