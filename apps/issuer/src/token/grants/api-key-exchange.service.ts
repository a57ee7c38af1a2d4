import { Inject, Injectable } from '@nestjs/common';
import { claimOfApiKey, type ApiKeyIdentity, type Principal } from '@countersign/auth-core';
import { CLOCK, OAuthError, txnOf, type RequestTrace } from '@countersign/service-host';
import { ApiKeyAuthentication, type UsableApiKey } from '../../api-keys/api-key-authentication.service.js';
import { ApiKeyUses } from '../../api-keys/api-key-uses.service.js';
import { endOf, scopesAt } from '../../api-keys/api-key.js';
import { PLANS, type Plans } from '../../api-keys/plan.js';
import { type Form } from '../../authentication/oauth-form.js';
import { type Client } from '../../registry/client.js';
import { refused } from '../../registry/refused.js';
import { type AccessTokenClaims } from './access-token.js';
import { type TokenRequest } from '../../authentication/token-request.js';
import { type GrantBasis, type GrantDecision } from './grant.js';
import { LEAST_LIFETIME } from './least-lifetime.js';
import { claimsForClient, type TokenParameters } from './token-parameters.js';

const addressPattern = /^[0-9a-fA-F.:]{2,45}$/;

/**
 * A service exchanges a key for a token for itself: the key's scopes there, as far as its client's policy has them, or those of them that it
 * asks for.
 * @param service the client that exchanges
 * @param now milliseconds since 1970
 */
function decideApiKeyExchange(
  { key, owner }: UsableApiKey,
  service: string,
  { audience, scopes }: Pick<TokenRequest, 'audience' | 'scopes'>,
  now: number,
): GrantDecision {
  if (audience !== service)
    return refused('invalid_target', 'a service may only exchange an API key for its own audience');
  const own = scopesAt(key, owner.policy, audience);
  if (own.length === 0) return refused('invalid_target', 'the API key is not for this audience');
  if (!scopes.every((scope) => own.includes(scope))) {
    return refused('invalid_scope', 'a requested scope is not among those of the API key');
  }
  if (endOf(key).getTime() - now < LEAST_LIFETIME * 1_000) {
    return refused('invalid_grant', `the API key expires in less than ${String(LEAST_LIFETIME)} seconds`);
  }
  return { ok: true, scopes: scopes.length === 0 ? own : scopes };
}

function identityOf({ key }: UsableApiKey, audience: string, plans: Plans): ApiKeyIdentity {
  const { id, name, networks, plan } = key;
  return { id, name, networks, limits: plans.limitsOf(plan, audience) };
}

/**
 * The application is subject and client; the key is included, with what the service needs to limit it. Never longer than the key, and bound to
 * nothing: the token stays in the service that exchanged it.
 */
function claimsForApiKey(
  parameters: TokenParameters,
  { key, owner }: UsableApiKey,
  identity: ApiKeyIdentity,
): AccessTokenClaims {
  const { issuedAt, lifetime } = parameters;
  const until = Math.min(
    issuedAt + Math.min(lifetime, owner.policy.token_lifetime ?? lifetime),
    Math.floor(endOf(key).getTime() / 1_000),
  );
  const claims = claimsForClient({ ...parameters, clientId: owner.client_id, boundTo: undefined });
  return { ...claims, exp: until, kind: 'application', api_key: claimOfApiKey(identity) };
}

/** Who the trail names, and what would revoke the token. */
function subjectOf({ key, owner }: UsableApiKey, identity: ApiKeyIdentity, txn: string): Principal {
  return {
    subject: owner.client_id,
    clientId: owner.client_id,
    actors: [],
    scopes: new Set<string>(),
    audience: '',
    issuer: '',
    tokenId: 'none',
    txn,
    roles: [],
    amr: [],
    issuedAt: 0,
    expiresAt: Math.floor(endOf(key).getTime() / 1_000),
    kind: 'application',
    apiKey: identity,
  };
}

/** Reads and decides the exchange of an API key. */
@Injectable()
export class ApiKeyExchange {
  constructor(
    @Inject(ApiKeyAuthentication) private readonly authentication: ApiKeyAuthentication,
    @Inject(ApiKeyUses) private readonly uses: ApiKeyUses,
    @Inject(PLANS) private readonly plans: Plans,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  /** @throws {OAuthError} */
  async read(text: string, form: Form, service: Client, trace: RequestTrace): Promise<GrantBasis> {
    const { client_address: address } = form;
    if (address !== undefined && !addressPattern.test(address)) {
      throw new OAuthError(400, 'invalid_request', 'client_address, if given, must be an IP address');
    }
    const usable = await this.authentication.authenticate(text, service, address);
    const { plans } = this;
    this.uses.note(usable.key.id, this.clock());
    return {
      subject: subjectOf(usable, identityOf(usable, service.client_id, plans), txnOf(trace)),
      staysWithClient: true,
      decide: (_policy, request, now) => decideApiKeyExchange(usable, service.client_id, request, now),
      claims: (parameters) => claimsForApiKey(parameters, usable, identityOf(usable, parameters.audience, plans)),
    };
  }
}
