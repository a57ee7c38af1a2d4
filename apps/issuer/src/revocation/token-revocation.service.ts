import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { type AuditPrincipal } from '@countersign/audit-event';
import { type RevocationList } from '@countersign/auth-core';
import { AUDIT_OUTBOX, auditRequest, OAuthError, type RequestTrace } from '@countersign/service-host';
import { ClientAuthentication, ClientAuthenticationFailed } from '../clients/client-authentication.js';
import { TooManyRequests } from '../limits/authentication-limits.js';
import { OwnTokens, type OwnToken } from './own-tokens.js';
import { RevocationService } from './revocation.service.js';
import { REVOKED } from './revocation-memory.js';
import { withDerived, type RevocationWish } from './revocation.js';
import { type TokenForm } from './token-form.js';

const clientPrincipal = (clientId: string): AuditPrincipal => ({
  subject: clientId,
  client_id: clientId,
  actors: [],
  scopes: [],
  jti: 'none',
});

/** The answer of RFC 7662, section 2.2; nothing but `active` about a token that is none of the caller's business. */
export type Introspection =
  { readonly active: false } | ({ readonly active: true } & Readonly<Record<string, unknown>>);

/** What clients may ask about tokens: revoke their own, introspect those that they hold or receive. */
@Injectable()
export class TokenRevocationService {
  constructor(
    @Inject(ClientAuthentication) private readonly authentication: ClientAuthentication,
    @Inject(OwnTokens) private readonly tokens: OwnTokens,
    @Inject(REVOKED) private readonly revoked: RevocationList,
    @Inject(RevocationService) private readonly revocations: RevocationService,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
  ) {}

  /**
   * RFC 7009, section 2: a token that is not ours, expired or revoked already is revoked as far as the client can tell. The first token of a
   * transaction takes with it everything that was exchanged for it, because the client began all of that; one that was exchanged itself
   * goes alone, because the rest is not its client's to end.
   * @throws {OAuthError} `invalid_client`; `unauthorized_client` for another client's token
   */
  async revoke({ credentials, token }: TokenForm, trace: RequestTrace): Promise<void> {
    const clientId = await this.#authenticate(credentials, 'token:revoke', trace);
    const own = this.tokens.read(token);
    if (own === undefined || own.expired || this.#isRevoked(own)) return;
    const principal = clientPrincipal(clientId);
    const { tokenId, txn, expiresAt } = own.principal;
    if (own.principal.clientId !== clientId) {
      await this.#refused('token:revoke', `token/${tokenId}`, 'NOT_THE_CLIENTS_TOKEN', principal, trace);
      throw new OAuthError(400, 'unauthorized_client', 'the token was not issued to this client');
    }
    const wishes: readonly RevocationWish[] =
      txn === tokenId
        ? withDerived(tokenId, txn, expiresAt, clientId)
        : [{ kind: 'token', tokenId, expiresAt, holder: clientId }];
    await this.revocations.revoke(wishes, { principal, trace });
  }

  /**
   * RFC 7662, section 2: active for the client that a token was issued to and for the service that it is meant for; inactive for all others.
   * @throws {OAuthError} `invalid_client`
   */
  async introspect({ credentials, token }: TokenForm, trace: RequestTrace): Promise<Introspection> {
    const clientId = await this.#authenticate(credentials, 'token:introspect', trace);
    const own = this.tokens.read(token);
    if (own === undefined || own.expired) return { active: false };
    const { claims, principal } = own;
    if (principal.clientId !== clientId && principal.audience !== clientId) return { active: false };
    if (this.#isRevoked(own)) return { active: false };
    const { iss, sub, aud, client_id, scope, exp, iat, jti, cnf, act, txn, roles } = claims;
    const further = Object.entries({ cnf, act, txn, roles }).filter(([, value]) => value !== undefined);
    const token_type = cnf === undefined ? 'Bearer' : 'DPoP';
    return {
      active: true,
      ...{ token_type, iss, sub, aud, client_id, scope, exp, iat, jti },
      ...Object.fromEntries(further),
    };
  }

  /** By this replica's memory, which the authentication of the client has just brought to the version of now. */
  #isRevoked({ keyId, principal }: OwnToken): boolean {
    return this.revoked.isRevoked(principal, keyId);
  }

  async #authenticate(credentials: TokenForm['credentials'], action: string, trace: RequestTrace): Promise<string> {
    try {
      return (await this.authentication.authenticate(credentials, trace)).client_id;
    } catch (error) {
      if (error instanceof TooManyRequests && error.first) {
        const principal = error.client === undefined ? null : clientPrincipal(error.client.client_id);
        await this.#refused(action, `client/${error.client?.client_id ?? 'unknown'}`, 'RATE_LIMITED', principal, trace);
      }
      if (!(error instanceof ClientAuthenticationFailed)) throw error;
      const claimed = error.claimedClientId ?? 'unknown';
      await this.#refused(action, `client/${claimed}`, error.reason, null, trace);
      throw error.answer;
    }
  }

  async #refused(
    action: string,
    resource: string,
    reason: string,
    principal: AuditPrincipal | null,
    trace: RequestTrace,
  ): Promise<void> {
    const verb = action.split(':')[1] ?? action;
    await this.outbox.recordDurably({
      type: `countersign.issuer.token.${verb}_refused.v1`,
      subject: resource,
      traceparent: trace.traceparent,
      data: { principal, txn: null, action, resource, outcome: 'denied', reason, request: auditRequest(trace) },
    });
  }
}
