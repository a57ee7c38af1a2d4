import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { type RevocationList } from '@countersign/auth-core';
import { AUDIT_OUTBOX, type RequestTrace } from '@countersign/service-host';
import { byClient } from '../authentication/by-client.js';
import { RecordedAuthentication } from '../authentication/recorded-authentication.service.js';
import { events } from '../events.js';
import { REVOKED } from '../registry/revocation-memory.service.js';
import { OwnTokens, type OwnToken } from '../token/own-tokens.service.js';
import { type TokenForm } from '../token/token-form.js';

/** The answer of RFC 7662, section 2.2; nothing but `active` about a token that does not concern the caller. */
export type Introspection =
  { readonly active: false } | ({ readonly active: true } & Readonly<Record<string, unknown>>);

/** Why a token is not shown as active: recorded in the trail, hidden from the caller. */
type Inactive = 'TOKEN_UNKNOWN' | 'TOKEN_EXPIRED' | 'TOKEN_REVOKED' | 'NOT_THE_CLIENTS_TOKEN';

function claimsOf({ claims }: OwnToken): Introspection {
  const { iss, sub, aud, client_id, scope, exp, iat, jti } = claims;
  const { cnf, act, txn, roles, kind, auth_time, acr, amr } = claims;
  const further = Object.entries({ cnf, act, txn, roles, kind, auth_time, acr, amr }).filter(
    ([, value]) => value !== undefined,
  );
  const token_type = cnf === undefined ? 'Bearer' : 'DPoP';
  return {
    active: true,
    ...{ token_type, iss, sub, aud, client_id, scope, exp, iat, jti },
    ...Object.fromEntries(further),
  };
}

/**
 * Answers clients about tokens that they hold or receive. Each response is recorded before it is sent, because it shows who acts for whom. That adds little
 * to the client's authentication, which commits the use of its assertion, and concurrent records share one commit.
 */
@Injectable()
export class IntrospectionService {
  constructor(
    @Inject(RecordedAuthentication) private readonly authentication: RecordedAuthentication,
    @Inject(OwnTokens) private readonly tokens: OwnTokens,
    @Inject(REVOKED) private readonly revoked: RevocationList,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
  ) {}

  /**
   * RFC 7662, section 2: active for the client that a token was issued to and for the service it is intended for; inactive for all others.
   * @throws {OAuthError} `invalid_client`
   */
  async introspect({ credentials, token }: TokenForm, trace: RequestTrace): Promise<Introspection> {
    const clientId = await this.authentication.authenticate(credentials, 'token.introspect_refused', trace);
    const own = this.tokens.read(token);
    const reason = this.#inactive(own, clientId);
    const outcome = reason === undefined ? 'allowed' : reason === 'NOT_THE_CLIENTS_TOKEN' ? 'denied' : 'failed';
    const context = byClient(clientId, trace, own?.principal.txn);
    const id = own?.principal.tokenId ?? 'unknown';
    await this.outbox.recordDurably(events.event('token.introspected', context, { id, outcome, reason }));
    return own === undefined || reason !== undefined ? { active: false } : claimsOf(own);
  }

  /** From this replica's memory, which authenticating the client has just brought to the current version. */
  #inactive(own: OwnToken | undefined, clientId: string): Inactive | undefined {
    if (own === undefined) return 'TOKEN_UNKNOWN';
    const { principal, keyId, expired } = own;
    if (principal.clientId !== clientId && principal.audience !== clientId) return 'NOT_THE_CLIENTS_TOKEN';
    if (expired) return 'TOKEN_EXPIRED';
    return this.revoked.isRevoked(principal, keyId) ? 'TOKEN_REVOKED' : undefined;
  }
}
