import { Inject, Injectable } from '@nestjs/common';
import { uuidv7, type AuditOutbox, type AuditPrincipal } from '@countersign/audit-client';
import { type Principal } from '@countersign/auth-core';
import { AUDIT_OUTBOX, CLOCK, OAuthError, auditRequest, type RequestTrace } from '@countersign/service-host';
import { ClientAuthentication, ClientAuthenticationFailed, ISSUER_URL } from '../clients/client-authentication.js';
import { type Client } from '../clients/client.js';
import { decideClientCredentials, decideExchange, type Decision } from '../clients/policy.js';
import { SIGNING_KEYS, type SigningKeys } from '../signing-keys/signing-key.js';
import { signAccessToken, type AccessTokenClaims } from './access-token.js';
import { ACTOR_LIMIT, claimsForClient, claimsForExchange, type Grant } from './grants.js';
import { SubjectTokens } from './subject-tokens.js';
import { ACCESS_TOKEN_TYPE, TOKEN_EXCHANGE, type TokenRequest } from './token-request.js';

export const TOKEN_LIFETIME = Symbol('countersign.issuer.token-lifetime');

/** The answer of RFC 6749, section 5.1, and RFC 8693, section 2.2.1. */
export interface TokenAnswer {
  readonly access_token: string;
  readonly token_type: 'Bearer';
  /** Seconds. */
  readonly expires_in: number;
  readonly scope: string;
  readonly issued_token_type?: typeof ACCESS_TOKEN_TYPE;
}

/** Authenticate → decide → sign → record → answer. A token is not handed out before its event is durable. */
@Injectable()
export class TokenService {
  constructor(
    @Inject(ClientAuthentication) private readonly authentication: ClientAuthentication,
    @Inject(SubjectTokens) private readonly subjectTokens: SubjectTokens,
    @Inject(SIGNING_KEYS) private readonly keys: SigningKeys,
    @Inject(ISSUER_URL) private readonly issuer: string,
    @Inject(TOKEN_LIFETIME) private readonly lifetime: number,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  async issue(request: TokenRequest, trace: RequestTrace): Promise<TokenAnswer> {
    let client: Client | undefined;
    let subject: Principal | undefined;
    try {
      client = await this.authentication.authenticate(request.credentials);
      if (request.subjectToken !== undefined) {
        subject = await this.subjectTokens.verify(request.subjectToken, client.client_id);
      }
      const claims = this.#claims(request, client, subject);
      const token = signAccessToken(claims, this.keys.active);
      await this.#record('allowed', request, trace, principalOfClaims(claims), undefined, claims);
      return {
        access_token: token,
        token_type: 'Bearer',
        expires_in: claims.exp - claims.iat,
        scope: claims.scope,
        ...(request.grantType === TOKEN_EXCHANGE ? { issued_token_type: ACCESS_TOKEN_TYPE } : {}),
      };
    } catch (error) {
      if (error instanceof ClientAuthenticationFailed) {
        await this.#record('denied', request, trace, null, error.reason, undefined, error.claimedClientId);
        throw error.answer;
      }
      if (!(error instanceof OAuthError)) throw error;
      const principal = client === undefined ? null : refusedPrincipal(client, subject);
      await this.#record('denied', request, trace, principal, error.error, undefined);
      throw error;
    }
  }

  #claims(request: TokenRequest, client: Client, subject: Principal | undefined): AccessTokenClaims {
    const { audience } = request;
    const decision = this.#decide(request, client, subject);
    if (!decision.ok) throw new OAuthError(400, decision.error, decision.description);
    const grant: Grant = {
      issuer: this.issuer,
      clientId: client.client_id,
      audience,
      scopes: decision.scopes,
      tokenId: uuidv7(this.clock().getTime()),
      issuedAt: Math.floor(this.clock().getTime() / 1_000),
      lifetime: this.lifetime,
    };
    return subject === undefined ? claimsForClient(grant) : claimsForExchange(grant, subject);
  }

  #decide({ audience, scopes }: TokenRequest, client: Client, subject: Principal | undefined): Decision {
    if (subject === undefined) return decideClientCredentials(client.policy, audience, scopes);
    if (subject.actors.length >= ACTOR_LIMIT) {
      return { ok: false, error: 'invalid_target', description: 'the chain of actors is too long' };
    }
    return decideExchange(client.policy, subject, audience, scopes);
  }

  async #record(
    outcome: 'allowed' | 'denied',
    request: TokenRequest,
    trace: RequestTrace,
    principal: AuditPrincipal | null,
    reason: string | undefined,
    claims: AccessTokenClaims | undefined,
    claimedClientId?: string,
  ): Promise<void> {
    const exchange = request.grantType === TOKEN_EXCHANGE;
    await this.outbox.recordDurably({
      type: `countersign.issuer.token.${outcome === 'allowed' ? 'issued' : 'refused'}.v1`,
      subject: claims?.jti ?? claimedClientId?.slice(0, 128) ?? principal?.client_id ?? 'unknown',
      traceparent: trace.traceparent,
      data: {
        principal,
        txn: claims?.txn ?? null,
        action: exchange ? 'token:exchange' : 'token:issue',
        resource: `audience/${request.audience}`,
        outcome,
        ...(reason === undefined ? {} : { reason }),
        request: auditRequest(trace),
        changes: {
          audience: request.audience,
          scope: request.scopes.join(' '),
          ...(claims === undefined ? {} : { jti: claims.jti, expires_at: new Date(claims.exp * 1_000).toISOString() }),
          ...(claimedClientId === undefined ? {} : { claimed_client_id: claimedClientId.slice(0, 128) }),
        },
      },
    });
  }
}

function principalOfClaims(claims: AccessTokenClaims): AuditPrincipal {
  const actors: string[] = [];
  for (let { act } = claims; act !== undefined; act = act.act) actors.push(act.sub);
  return { subject: claims.sub, client_id: claims.client_id, actors, scopes: claims.scope.split(' '), jti: claims.jti };
}

/** Who was refused; nothing was issued, so the `jti` is the subject token's own, or none. */
function refusedPrincipal(client: Client, subject: Principal | undefined): AuditPrincipal {
  return {
    subject: subject?.subject ?? client.client_id,
    client_id: client.client_id,
    actors: subject?.actors.map((actor) => actor.subject) ?? [],
    scopes: [],
    jti: subject?.tokenId ?? 'none',
  };
}
