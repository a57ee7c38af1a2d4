import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { type EventContext } from '@countersign/audit-event';
import { type RevocationList } from '@countersign/auth-core';
import { AUDIT_OUTBOX, OAuthError, type RequestTrace } from '@countersign/service-host';
import { byClient } from '../authentication/by-client.js';
import { RecordedAuthentication } from '../authentication/recorded-authentication.service.js';
import { delegationIdSchema, type Delegation } from '../delegations/delegation.js';
import { Delegations } from '../delegations/delegations.service.js';
import { events } from '../events.js';
import { RefreshTokens } from '../refresh/refresh-tokens.service.js';
import { REVOKED } from '../registry/revocation-memory.service.js';
import { OwnTokens, type OwnToken } from '../token/own-tokens.service.js';
import { type TokenForm } from '../token/token-form.js';
import { withDerived, type RevocationRequest } from '../revocation/revocation.js';
import { RevocationService } from '../revocation/revocation.service.js';

/** Why there is nothing to revoke. */
type Ignored = 'TOKEN_UNKNOWN' | 'TOKEN_EXPIRED' | 'TOKEN_REVOKED';

/** The resource of an event: a refresh token is named by its delegation. */
interface Named {
  readonly kind: 'token' | 'delegation';
  readonly id: string;
}

/** What a client wants revoked with its own token. */
function requestsOf({ principal }: OwnToken, clientId: string): readonly RevocationRequest[] {
  const { tokenId, txn, expiresAt } = principal;
  if (txn === tokenId) return withDerived(tokenId, txn, expiresAt, clientId);
  return [{ kind: 'token', tokenId, expiresAt, holder: clientId }];
}

/** Revokes tokens for the clients that they were issued to. */
@Injectable()
export class TokenRevocationService {
  constructor(
    @Inject(RecordedAuthentication) private readonly authentication: RecordedAuthentication,
    @Inject(OwnTokens) private readonly tokens: OwnTokens,
    @Inject(REVOKED) private readonly revoked: RevocationList,
    @Inject(RevocationService) private readonly revocations: RevocationService,
    @Inject(RefreshTokens) private readonly refreshTokens: RefreshTokens,
    @Inject(Delegations) private readonly delegations: Delegations,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
  ) {}

  /**
   * RFC 7009, section 2: a token that is not ours, expired or revoked already is revoked as far as the client can tell. The first token of a
   * transaction takes with it everything that was exchanged for it, because the client began all of that; one that was exchanged itself
   * is revoked by itself, because the rest is not its client's to end. An application that revokes a token, or a refresh token, that a person allowed it ends the
   * whole delegation: its refresh token too, and what was exchanged for any of its tokens.
   * @throws {OAuthError} `invalid_client`; `unauthorized_client` for another client's token
   */
  async revoke({ credentials, token }: TokenForm, trace: RequestTrace): Promise<void> {
    const clientId = await this.authentication.authenticate(credentials, 'token.revoke_refused', trace);
    const refresh = await this.refreshTokens.find(token);
    if (refresh !== undefined) return this.#end(refresh.delegation, clientId, trace);
    const own = this.tokens.read(token);
    const who = byClient(clientId, trace, own?.principal.txn);
    const reason = this.#ignored(own);
    if (own === undefined || reason !== undefined) {
      const named = { kind: 'token', id: own?.principal.tokenId ?? 'unknown' } as const;
      return this.#ignore(who, named, reason);
    }
    if (own.principal.clientId !== clientId) return this.#refuse(who, { kind: 'token', id: own.principal.tokenId });
    if (await this.#endsDelegation(own, clientId, who)) return;
    await this.revocations.revoke(requestsOf(own, clientId), who);
  }

  /** Whether the token is one of a delegation of this client's that ended by this: of one that ended before, or at this moment, the token is left. */
  async #endsDelegation(
    { principal: { txn, tokenId } }: OwnToken,
    clientId: string,
    who: EventContext,
  ): Promise<boolean> {
    const id = delegationIdSchema.safeParse(txn).data;
    if (id === undefined || txn === tokenId) return false;
    const delegation = await this.delegations.find(id);
    if (delegation?.clientId !== clientId) return false;
    return (await this.delegations.end({ id }, 'BY_CLIENT', who)).length > 0;
  }

  async #end({ id, clientId: holder, endedAt }: Delegation, clientId: string, trace: RequestTrace): Promise<void> {
    const who = byClient(clientId, trace, id);
    const named = { kind: 'delegation', id } as const;
    if (holder !== clientId) return this.#refuse(who, named);
    const ended = endedAt === undefined ? await this.delegations.end({ id }, 'BY_CLIENT', who) : [];
    if (ended.length === 0) await this.#ignore(who, named, 'TOKEN_REVOKED');
  }

  async #ignore(who: EventContext, named: Named, reason: Ignored | undefined): Promise<void> {
    const details = { ...named, outcome: 'failed', reason } as const;
    await this.outbox.recordDurably(events.event('token.revoke_ignored', who, details));
  }

  async #refuse(who: EventContext, named: Named): Promise<never> {
    const details = { ...named, outcome: 'denied', reason: 'NOT_THE_CLIENTS_TOKEN' } as const;
    await this.outbox.recordDurably(events.event('token.revoke_refused', who, details));
    throw new OAuthError(400, 'unauthorized_client', 'the token was not issued to this client');
  }

  /** From this replica's memory, which authenticating the client has just brought to the current version. */
  #ignored(own: OwnToken | undefined): Ignored | undefined {
    if (own === undefined) return 'TOKEN_UNKNOWN';
    if (own.expired) return 'TOKEN_EXPIRED';
    return this.revoked.isRevoked(own.principal, own.keyId) ? 'TOKEN_REVOKED' : undefined;
  }
}
