import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { AUDIT_OUTBOX, CLOCK } from '@countersign/service-host';
import { byClient } from '../../authentication/by-client.js';
import { type Allowed } from '../../authorization/code.js';
import { type NewDelegation } from '../../delegations/delegation.js';
import { begunEvent } from '../../delegations/delegations.service.js';
import { IdTokens } from '../../openid/id-tokens.service.js';
import { type PersonRow } from '../../people/people.tables.js';
import { RefreshTokens } from '../../refresh/refresh-tokens.service.js';
import { mayUseGrant } from '../../registry/application.js';
import { type Client } from '../../registry/client.js';
import { type Decided, type Outcome } from '../commits/decided.js';
import { Redemptions, type NotRedeemed, type Redeemed } from '../commits/redemptions.store.js';
import { type FurtherTokens, type Issuing } from './grant.js';

/** The outcome of a redemption. */
export type BegunOutcome =
  | { readonly outcome: Exclude<Outcome, 'committed'> }
  | { readonly outcome: 'committed'; readonly further: FurtherTokens }
  | { readonly outcome: 'refused'; readonly because: NotRedeemed };

function isOutcome(outcome: Outcome | NotRedeemed): outcome is Exclude<Outcome, 'committed'> {
  return outcome === 'outdated' || outcome === 'replayed' || outcome === 'proof_replayed';
}

/** What a person's application gets beside the access token. */
@Injectable()
export class FurtherTokensOf {
  constructor(
    @Inject(Redemptions) private readonly redemptions: Redemptions,
    @Inject(RefreshTokens) private readonly refresh: RefreshTokens,
    @Inject(IdTokens) private readonly idTokens: IdTokens,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  /**
   * Begins the delegation that a person allowed: with a refresh token for a client that uses them, an ID token for `openid`. A public client gets
   * a refresh token only with its own key (DPoP), because that is all it can be bound to. All tokens are made before the commit: what was
   * redeemed is never used up for tokens that could not be signed.
   */
  async begin(
    of: Redeemed,
    client: Client,
    allowed: Allowed,
    issuing: Issuing,
    decided: Decided,
  ): Promise<BegunOutcome> {
    const { clientId, claims, boundTo, trace } = issuing;
    const { id, acr, nonce } = allowed;
    const scopes = claims.scope.split(' ');
    const delegation = { ...allowed, acr, nonce, scopes, clientId, dpopKey: boundTo, createdAt: this.clock() };
    const isBound = client.token_endpoint_auth_method !== 'none' || boundTo !== undefined;
    const family = isBound && mayUseGrant(client, 'refresh_token') ? this.refresh.newFamily(id) : undefined;
    const idToken = await this.idTokenOf(delegation, issuing);
    const event = begunEvent(delegation, byClient(clientId, trace, id));
    const begun = this.outbox.prepareText(event, this.clock());
    const outcome = await this.redemptions.redeem({ ...decided, of, delegation, begun, salt: family?.salt });
    if (isOutcome(outcome)) return { outcome };
    if (outcome !== 'committed') return { outcome: 'refused', because: outcome };
    this.outbox.announce(event);
    return { outcome, further: furtherTokens(family?.token, idToken) };
  }

  /** The ID token, where one was asked for (OpenID Connect Core, sections 3.1.3.3 and 12.2). @param known the person, if the caller has read them */
  async idTokenOf(
    delegation: NewDelegation,
    { claims: { iat, scope } }: Issuing,
    known?: PersonRow,
  ): Promise<string | undefined> {
    const scopes = scope.split(' ');
    return scopes.includes('openid') ? this.idTokens.issue(delegation, scopes, iat, known) : undefined;
  }
}

export function furtherTokens(refreshToken: string | undefined, idToken: string | undefined): FurtherTokens {
  return {
    ...(refreshToken === undefined ? {} : { refresh_token: refreshToken }),
    ...(idToken === undefined ? {} : { id_token: idToken }),
  };
}
