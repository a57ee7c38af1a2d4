import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { type AuditPrincipal } from '@countersign/audit-event';
import { AUDIT_OUTBOX, auditRequest, OAuthError, type RequestTrace } from '@countersign/service-host';
import { ClientAuthentication, ClientAuthenticationFailed } from '../clients/client-authentication.js';
import { TooManyRequests } from '../limits/authentication-limits.js';
import { OwnTokens, type OwnToken } from './own-tokens.js';
import { RevocationService } from './revocation.service.js';
import { RevocationsStore } from './revocations.store.js';
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
    @Inject(RevocationsStore) private readonly store: RevocationsStore,
    @Inject(RevocationService) private readonly revocations: RevocationService,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
  ) {}

  /**
   * RFC 7009, section 2: a token that is not ours, expired or revoked already is revoked as far as the client can tell.
   * @throws {OAuthError} `invalid_client`; `unauthorized_client` for another client's token
   */
  async revoke({ credentials, token }: TokenForm, trace: RequestTrace): Promise<void> {
    const clientId = await this.#authenticate(credentials, 'token:revoke', trace);
    const own = this.tokens.read(token);
    if (own === undefined || own.expired) return;
    const principal = clientPrincipal(clientId);
    if (own.claims.client_id !== clientId) {
      await this.#refused('token:revoke', `token/${own.claims.jti}`, 'NOT_THE_CLIENTS_TOKEN', principal, trace);
      throw new OAuthError(400, 'unauthorized_client', 'the token was not issued to this client');
    }
    await this.revocations.revokeToken(own.claims.jti, own.claims.exp, { principal, trace });
  }

  /**
   * RFC 7662, section 2: active for the client that a token was issued to and for the service that it is meant for; inactive for all others.
   * @throws {OAuthError} `invalid_client`
   */
  async introspect({ credentials, token }: TokenForm, trace: RequestTrace): Promise<Introspection> {
    const clientId = await this.#authenticate(credentials, 'token:introspect', trace);
    const own = this.tokens.read(token);
    if (own === undefined || own.expired) return { active: false };
    const { claims } = own;
    if (claims.client_id !== clientId && claims.aud !== clientId) return { active: false };
    if (await this.#isRevoked(own)) return { active: false };
    const { cnf, act, txn, roles } = claims;
    const further = Object.entries({ cnf, act, txn, roles }).filter(([, value]) => value !== undefined);
    return {
      active: true,
      token_type: cnf === undefined ? 'Bearer' : 'DPoP',
      iss: claims.iss,
      sub: claims.sub,
      aud: claims.aud,
      client_id: claims.client_id,
      scope: claims.scope,
      exp: claims.exp,
      iat: claims.iat,
      jti: claims.jti,
      ...Object.fromEntries(further),
    };
  }

  #isRevoked({ keyId, claims }: OwnToken): Promise<boolean> {
    const { jti: tokenId, client_id: clientId, sub: subject, iat } = claims;
    return this.store.isRevoked({ tokenId, clientId, subject, keyId }, iat);
  }

  async #authenticate(credentials: TokenForm['credentials'], action: string, trace: RequestTrace): Promise<string> {
    try {
      return (await this.authentication.authenticate(credentials, trace.peer)).client_id;
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
