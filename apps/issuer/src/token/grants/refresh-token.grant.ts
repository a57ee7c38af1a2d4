import { Inject, Injectable } from '@nestjs/common';
import { byClient } from '../../authentication/by-client.js';
import { type Form } from '../../authentication/oauth-form.js';
import { type Delegation } from '../../delegations/delegation.js';
import { RefreshTokens, type FoundRefreshToken } from '../../refresh/refresh-tokens.service.js';
import { type Client, type Policy } from '../../registry/client.js';
import { identityScopes, ISSUER_AUDIENCE } from '../../registry/people-policy.js';
import { refused } from '../../registry/refused.js';
import { tokenRequestOf, type TokenRequest } from '../../authentication/token-request.js';
import { claimsForPerson } from './claims-for-person.js';
import { decideGrantForPerson } from './decide-grant-for-person.js';
import { type Decided } from '../commits/decided.js';
import { Rotations, type NotRotated } from '../commits/rotations.store.js';
import { furtherTokens, FurtherTokensOf } from './further-tokens.service.js';
import {
  GrantRefused,
  ofTransaction,
  type GrantBasis,
  type GrantDecision,
  type Issuing,
  type OutcomeTogether,
  type TokenGrant,
} from './grant.js';

/** One answer for whatever is wrong with a refresh token, so that nobody finds out which there are. */
const NOT_VALID = 'the refresh token is not valid: it is unknown, expired, ended, used, or not for this client or key';

/** What is asked for: all that was granted, or less of it (RFC 6749, section 6). @throws {OAuthError} for a malformed request */
function requestOf(form: Form, { audience, scopes }: Delegation): TokenRequest {
  const { audience: named = form['resource'] ?? audience } = form;
  const request = tokenRequestOf({ ...form, audience: named });
  if (request.scopes.length > 0) return request;
  const isIdentity = request.audience === ISSUER_AUDIENCE && audience !== ISSUER_AUDIENCE;
  return { ...request, scopes: isIdentity ? scopes.filter((scope) => identityScopes.has(scope)) : scopes };
}

/** A refresh token never widens: its service, or the issuer for who the person is; its scopes, or fewer. */
function decideRefresh(
  policy: Pick<Policy, 'people'>,
  granted: Pick<Delegation, 'audience' | 'scopes'>,
  { audience, scopes }: TokenRequest,
  roles: readonly string[],
): GrantDecision {
  const isIdentity = audience === ISSUER_AUDIENCE && scopes.every((scope) => identityScopes.has(scope));
  if (audience !== granted.audience && !isIdentity)
    return refused('invalid_target', 'the grant is for another service');
  if (scopes.length === 0) return refused('invalid_scope', 'nothing was granted for this');
  if (!scopes.every((scope) => granted.scopes.includes(scope))) {
    return refused('invalid_scope', 'a requested scope was not granted');
  }
  return decideGrantForPerson(policy, { audience, scopes }, roles);
}

/**
 * Whether the key that the request proves is the right one (RFC 9449, section 5): a public client's refresh token is bound to its key, a confidential
 * client's to the client; but what started with bound tokens never continues with bearer tokens.
 */
export function keyFits(
  { token_endpoint_auth_method: method }: Pick<Client, 'token_endpoint_auth_method'>,
  { dpopKey }: Pick<Delegation, 'dpopKey'>,
  boundTo: string | undefined,
): boolean {
  return method === 'none'
    ? dpopKey !== undefined && dpopKey === boundTo
    : dpopKey === undefined || boundTo !== undefined;
}

/** `refresh_token` (RFC 6749, section 6; RFC 9700, section 4.14): the application keeps acting for the person who allowed it. */
@Injectable()
export class RefreshTokenGrant implements TokenGrant {
  readonly type = 'refresh_token';
  readonly action = 'token:refresh';
  readonly decidedBefore = true;

  constructor(
    @Inject(RefreshTokens) private readonly tokens: RefreshTokens,
    @Inject(Rotations) private readonly rotations: Rotations,
    @Inject(FurtherTokensOf) private readonly further: FurtherTokensOf,
  ) {}

  async read(form: Form, client: Client): Promise<GrantBasis> {
    const { refresh_token: token } = form;
    if (token === undefined) {
      throw new GrantRefused('REFRESH_TOKEN_MISSING', 'refresh_token is missing', 'invalid_request');
    }
    const found = await this.tokens.find(token);
    if (found === undefined) throw new GrantRefused('REFRESH_TOKEN_UNKNOWN', NOT_VALID);
    const { delegation, person } = found;
    const fault = (reason: string): GrantRefused => new GrantRefused(reason, NOT_VALID, 'invalid_grant', delegation.id);
    if (delegation.clientId !== client.client_id) throw fault('REFRESH_TOKEN_OF_ANOTHER_CLIENT');
    if (delegation.endedAt !== undefined) throw fault('DELEGATION_ENDED');
    // Roles as they are now: a person who lost one since does not keep it by a refresh token.
    if (person === undefined || person.disabledAt !== null) throw fault('PERSON_DISABLED');
    const now = { ...delegation, roles: person.roles };
    return {
      subject: undefined,
      request: ofTransaction(delegation.id, () => requestOf(form, delegation)),
      txn: delegation.id,
      decide: (policy, request, _now, boundTo) =>
        keyFits(client, delegation, boundTo)
          ? decideRefresh(policy, delegation, request, person.roles)
          : refused('invalid_grant', NOT_VALID),
      claims: (parameters) => claimsForPerson(parameters, now),
      together: { commit: (issuing, decided) => this.#use(found, issuing, decided) },
    };
  }

  async #use(found: FoundRefreshToken, issuing: Issuing, decided: Decided): Promise<OutcomeTogether> {
    const { presented, delegation, family, salt, person } = found;
    const { id, sessionId, scopes } = delegation;
    const idToken = await this.further.idTokenOf({ ...delegation, nonce: undefined }, issuing, person);
    const used = await this.rotations.rotate({
      ...decided,
      delegationId: id,
      generation: presented.generation,
      family,
      // Without offline_access it lasts as long as the person is signed in (OpenID Connect Core, section 11).
      sessionId: scopes.includes('offline_access') ? undefined : sessionId,
    });
    if (used.outcome === 'refused') return this.#refused(found, used.refused, issuing);
    if (used.outcome !== 'committed') return used;
    this.tokens.used(used.again ? 'again' : 'rotated');
    const next = this.tokens.tokenOf(id, used.generation, salt);
    return { outcome: 'committed', further: furtherTokens(next, idToken) };
  }

  #refused(
    { presented, delegation: { id, clientId } }: FoundRefreshToken,
    reason: NotRotated,
    { trace }: Issuing,
  ): OutcomeTogether {
    if (reason === 'REFRESH_TOKEN_EXPIRED') this.tokens.used('expired');
    const alarm = () => this.tokens.replayed(presented, byClient(clientId, trace, id));
    const consequence = reason === 'REFRESH_TOKEN_REPLAYED' ? alarm : undefined;
    return { outcome: 'refused', refusal: { reason, description: NOT_VALID, consequence } };
  }
}
