import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, type Transaction } from '@countersign/service-host';
import { byClient } from '../../authentication/by-client.js';
import { type Allowed } from '../../authorization/code.js';
import { type Delegation } from '../../delegations/delegation.js';
import { Delegations } from '../../delegations/delegations.service.js';
import { IdTokens } from '../../openid/id-tokens.service.js';
import { RefreshTokens } from '../../refresh/refresh-tokens.service.js';
import { mayUseGrant } from '../../registry/application.js';
import { type Client } from '../../registry/client.js';
import { Sessions } from '../../sessions/sessions.service.js';
import { TogetherRefused, type FurtherTokens, type Issuing } from './grant.js';

/** What a person's application gets beside the access token. */
@Injectable()
export class FurtherTokensOf {
  constructor(
    @Inject(Sessions) private readonly sessions: Sessions,
    @Inject(Delegations) private readonly delegations: Delegations,
    @Inject(RefreshTokens) private readonly refresh: RefreshTokens,
    @Inject(IdTokens) private readonly idTokens: IdTokens,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  /**
   * Begins the delegation that a person allowed: with a refresh token for a client that uses them, an ID token for `openid`. A public client gets
   * a refresh token only with a key of its own (DPoP), because that is all it can be bound to.
   * @param notValid what the client is told when the session in which it was allowed is over
   */
  async begin(
    transaction: Transaction,
    client: Client,
    allowed: Allowed,
    issuing: Issuing,
    notValid: string,
  ): Promise<FurtherTokens | TogetherRefused> {
    if (!(await this.sessions.isLive(transaction, allowed.sessionId))) {
      return new TogetherRefused('SESSION_ENDED', notValid);
    }
    const { clientId, claims, boundTo, trace } = issuing;
    const { id, acr, nonce } = allowed;
    const scopes = claims.scope.split(' ');
    const begins = { ...allowed, acr, nonce, scopes, clientId, dpopKey: boundTo, createdAt: this.clock() };
    const delegation = await this.delegations.begin(transaction, begins, byClient(clientId, trace, id));
    const isBound = client.token_endpoint_auth_method !== 'none' || delegation.dpopKey !== undefined;
    const refreshes = isBound && mayUseGrant(client, 'refresh_token');
    const refreshToken = refreshes ? await this.refresh.begin(transaction, delegation) : undefined;
    const idToken = await this.idTokenOf(transaction, delegation, issuing);
    return {
      ...(refreshToken === undefined ? {} : { refresh_token: refreshToken }),
      ...(idToken === undefined ? {} : { id_token: idToken }),
    };
  }

  /** The ID token, where one was asked for (OpenID Connect Core, sections 3.1.3.3 and 12.2). */
  async idTokenOf(
    transaction: Transaction,
    delegation: Delegation,
    { claims: { iat, scope } }: Issuing,
  ): Promise<string | undefined> {
    const scopes = scope.split(' ');
    if (!scopes.includes('openid')) return undefined;
    return this.idTokens.issue(transaction, delegation, scopes, iat);
  }
}
