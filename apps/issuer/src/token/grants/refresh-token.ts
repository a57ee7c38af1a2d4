import { Inject, Injectable } from '@nestjs/common';
import { type RequestTrace, type Transaction } from '@countersign/service-host';
import { byClient } from '../../authentication/by-client.js';
import { type Form } from '../../authentication/oauth-form.js';
import { type Delegation } from '../../delegations/delegation.js';
import { PeopleStore } from '../../people/people.store.js';
import { personIdSchema } from '../../people/person.js';
import { RefreshTokens } from '../../refresh/refresh-tokens.service.js';
import { type PresentedRefreshToken } from '../../refresh/refresh-token.js';
import { type Client, type Policy } from '../../registry/client.js';
import { identityScopes, ISSUER_AUDIENCE } from '../../registry/people-policy.js';
import { Sessions } from '../../sessions/sessions.service.js';
import { tokenRequestOf, type TokenRequest } from '../../authentication/token-request.js';
import { claimsForPerson } from './claims-for-person.js';
import { decideGrantForPerson } from './decide-grant-for-person.js';
import { FurtherTokensOf } from './further-tokens.service.js';
import {
  GrantRefused,
  TogetherRefused,
  type FurtherTokens,
  type GrantBasis,
  type GrantDecision,
  type Issuing,
  type TokenGrant,
} from './grant.js';

/** One answer for whatever is wrong with a refresh token, so that nobody finds out which there are. */
const NOT_VALID = 'the refresh token is not valid: it is unknown, expired, ended, used, or not for this client or key';

const invalid = (error: 'invalid_target' | 'invalid_scope' | 'invalid_grant', description: string): GrantDecision => ({
  ok: false,
  error,
  description,
});

/** What is asked for: all that was granted, or less of it (RFC 6749, section 6). @throws {OAuthError} for a malformed request */
function requestOf(form: Form, { audience, scopes }: Delegation): TokenRequest {
  const { audience: named = form['resource'] ?? audience } = form;
  const request = tokenRequestOf({ ...form, audience: named });
  if (request.scopes.length > 0) return request;
  const isIdentity = request.audience === ISSUER_AUDIENCE && audience !== ISSUER_AUDIENCE;
  return { ...request, scopes: isIdentity ? scopes.filter((scope) => identityScopes.has(scope)) : scopes };
}

/** A refresh token never widens: its service, or the issuer for who the person is; its scopes, or fewer. */
export function decideRefresh(
  policy: Pick<Policy, 'people'>,
  granted: Pick<Delegation, 'audience' | 'scopes'>,
  { audience, scopes }: TokenRequest,
  roles: readonly string[],
): GrantDecision {
  const isIdentity = audience === ISSUER_AUDIENCE && scopes.every((scope) => identityScopes.has(scope));
  if (audience !== granted.audience && !isIdentity)
    return invalid('invalid_target', 'the grant is for another service');
  if (scopes.length === 0) return invalid('invalid_scope', 'nothing was granted for this');
  if (!scopes.every((scope) => granted.scopes.includes(scope))) {
    return invalid('invalid_scope', 'a requested scope was not granted');
  }
  return decideGrantForPerson(policy, { audience, scopes }, roles);
}

/**
 * Whether the key that the request proves is the right one (RFC 9449, section 5): a public client's refresh token is bound to its key, a
 * confidential client's to the client; but what began with bound tokens never goes on with bearer tokens.
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

/** `refresh_token` (RFC 6749, section 6; RFC 9700, section 4.14): the application goes on acting for the person who allowed it. */
@Injectable()
export class RefreshTokenGrant implements TokenGrant {
  readonly type = 'refresh_token';
  readonly action = 'token:refresh';
  readonly decidedBefore = true;

  constructor(
    @Inject(RefreshTokens) private readonly tokens: RefreshTokens,
    @Inject(PeopleStore) private readonly people: PeopleStore,
    @Inject(Sessions) private readonly sessions: Sessions,
    @Inject(FurtherTokensOf) private readonly further: FurtherTokensOf,
  ) {}

  async read(form: Form, client: Client): Promise<GrantBasis> {
    const { refresh_token: token } = form;
    if (token === undefined) {
      throw new GrantRefused('REFRESH_TOKEN_MISSING', 'refresh_token is missing', 'invalid_request');
    }
    const found = await this.tokens.find(token);
    if (found === undefined) throw new GrantRefused('REFRESH_TOKEN_UNKNOWN', NOT_VALID);
    const { presented, delegation } = found;
    if (delegation.clientId !== client.client_id) throw new GrantRefused('REFRESH_TOKEN_OF_ANOTHER_CLIENT', NOT_VALID);
    if (delegation.endedAt !== undefined) throw new GrantRefused('DELEGATION_ENDED', NOT_VALID);
    // Roles as they are now: who lost one since does not keep it by a refresh token.
    const person = await this.people.findActive(personIdSchema.parse(delegation.personId));
    if (person === undefined) throw new GrantRefused('PERSON_DISABLED', NOT_VALID);
    const now = { ...delegation, roles: person.roles };
    return {
      subject: undefined,
      request: requestOf(form, delegation),
      decide: (policy, request, _now, boundTo) =>
        keyFits(client, delegation, boundTo)
          ? decideRefresh(policy, delegation, request, person.roles)
          : invalid('invalid_grant', NOT_VALID),
      claims: (parameters) => claimsForPerson(parameters, now),
      together: { commit: (transaction, issuing) => this.#use(transaction, presented, delegation, issuing) },
    };
  }

  async #use(
    transaction: Transaction,
    presented: PresentedRefreshToken,
    delegation: Delegation,
    issuing: Issuing,
  ): Promise<FurtherTokens | TogetherRefused> {
    const { id, clientId, sessionId, scopes } = delegation;
    // Without offline_access it lasts as long as the person is signed in (OpenID Connect Core, section 11).
    if (!scopes.includes('offline_access') && !(await this.sessions.isLive(transaction, sessionId))) {
      return new TogetherRefused('SESSION_ENDED', NOT_VALID);
    }
    const outcome = await this.tokens.use(transaction, presented);
    if ('refused' in outcome) {
      const isReplay = outcome.refused === 'REFRESH_TOKEN_REPLAYED';
      const alarm = (trace: RequestTrace) => () => this.tokens.replayed(presented, byClient(clientId, trace, id));
      return new TogetherRefused(outcome.refused, NOT_VALID, isReplay ? alarm(issuing.trace) : undefined);
    }
    const idToken = await this.further.idTokenOf(transaction, { ...delegation, nonce: undefined }, issuing);
    return { refresh_token: outcome.token, ...(idToken === undefined ? {} : { id_token: idToken }) };
  }
}
