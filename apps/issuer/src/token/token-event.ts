import { type AuditPrincipal, type NewAuditEvent } from '@countersign/audit-event';
import { type Principal } from '@countersign/auth-core';
import { auditRequest, type RequestTrace } from '@countersign/service-host';
import { claimedName, type Client } from '../clients/client.js';
import { type AccessTokenClaims } from './access-token.js';
import { isoTimes } from './iso-time.js';
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

const expiryText = isoTimes();

/** The audit event of a decision: a token issued, exchanged or refused. It holds no token and no credentials. */
export function tokenEvent(decision: TokenDecision, trace: RequestTrace): NewAuditEvent {
  const { client, request, subject, claims, refusal } = decision;
  const issued = claims !== undefined;
  const claimed = claimedName(refusal?.claimedClientId);
  const principal =
    claims !== undefined ? principalOfClaims(claims) : client === undefined ? null : refusedPrincipal(client, subject);
  // Members that are undefined are left out of the JSON.
  return {
    type: issued ? 'countersign.issuer.token.issued.v1' : 'countersign.issuer.token.refused.v1',
    subject: claims?.jti ?? claimed ?? client?.client_id ?? 'unknown',
    traceparent: trace.traceparent,
    data: {
      principal,
      txn: claims?.txn ?? subject?.txn ?? null,
      action: request?.grantType === TOKEN_EXCHANGE ? 'token:exchange' : 'token:issue',
      resource: request === undefined ? 'oauth2/token' : `audience/${request.audience}`,
      outcome: issued ? 'allowed' : 'denied',
      reason: refusal?.reason,
      request: auditRequest(trace),
      changes: {
        audience: request?.audience,
        scope: request?.scopes.join(' '),
        jti: claims?.jti,
        expires_at: claims === undefined ? undefined : expiryText(claims.exp * 1_000),
        bound_to: claims?.cnf?.jkt,
        claimed_client_id: claimed,
      },
    },
  };
}
