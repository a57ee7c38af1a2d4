import { type AuditPrincipal, type NewAuditEvent } from '@countersign/audit-client';
import { type Principal } from '@countersign/auth-core';
import { auditRequest, type RequestTrace } from '@countersign/service-host';
import { namePattern, type Client } from '../clients/client.js';
import { type AccessTokenClaims } from './access-token.js';
import { type TokenDecision } from './token-decisions.js';
import { TOKEN_EXCHANGE } from './token-request.js';

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

/** A stranger may claim to be anything; what cannot be a client's name is not repeated (not every text fits the database). */
function claimedName(claimed: string | undefined): string | undefined {
  return claimed === undefined || namePattern.test(claimed) ? claimed : 'not-a-name';
}

/** The audit event of a decision: a token issued, exchanged or refused. It holds no token and no credentials. */
export function tokenEvent(decision: TokenDecision, trace: RequestTrace): NewAuditEvent {
  const { client, request, subject, claims, refusal } = decision;
  const claimed = claimedName(refusal?.claimedClientId);
  const principal =
    claims !== undefined ? principalOfClaims(claims) : client === undefined ? null : refusedPrincipal(client, subject);
  return {
    type: claims === undefined ? 'countersign.issuer.token.refused.v1' : 'countersign.issuer.token.issued.v1',
    subject: claims?.jti ?? claimed ?? client?.client_id ?? 'unknown',
    traceparent: trace.traceparent,
    data: {
      principal,
      txn: claims?.txn ?? subject?.txn ?? null,
      action: request?.grantType === TOKEN_EXCHANGE ? 'token:exchange' : 'token:issue',
      resource: request === undefined ? 'oauth2/token' : `audience/${request.audience}`,
      outcome: claims === undefined ? 'denied' : 'allowed',
      ...(refusal === undefined ? {} : { reason: refusal.reason }),
      request: auditRequest(trace),
      changes: {
        ...(request === undefined ? {} : { audience: request.audience, scope: request.scopes.join(' ') }),
        ...(claims === undefined ? {} : { jti: claims.jti, expires_at: new Date(claims.exp * 1_000).toISOString() }),
        ...(claims?.cnf === undefined ? {} : { bound_to: claims.cnf.jkt }),
        ...(claimed === undefined ? {} : { claimed_client_id: claimed }),
      },
    },
  };
}
