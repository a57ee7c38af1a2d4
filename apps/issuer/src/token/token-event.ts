import { type AuditPrincipal, type NewAuditEvent } from '@countersign/audit-event';
import { auditRequest, type RequestTrace } from '@countersign/service-host';
import { claimedName } from '../clients/client.js';
import { type AccessTokenClaims } from './access-token.js';
import { isoTimes } from './iso-time.js';
import { type Granted, type Refused, type TokenDecision } from './token-decision.js';

function principalOfClaims(claims: AccessTokenClaims): AuditPrincipal {
  const actors: string[] = [];
  for (let { act } = claims; act !== undefined; act = act.act) actors.push(act.sub);
  return { subject: claims.sub, client_id: claims.client_id, actors, scopes: claims.scope.split(' '), jti: claims.jti };
}

/** Who was refused; nothing was issued, so the `jti` is the subject token's own, or none. */
function refusedPrincipal({ client, subject }: Refused): AuditPrincipal | null {
  if (client === undefined) return null;
  return {
    subject: subject?.subject ?? client.client_id,
    client_id: client.client_id,
    actors: subject?.actors.map((actor) => actor.subject) ?? [],
    scopes: [],
    jti: subject?.tokenId ?? 'none',
  };
}

/** What the trail has of a request, whatever became of it. Members that are undefined are left out of the JSON. */
function asked({ grant, request }: TokenDecision, trace: RequestTrace) {
  return {
    action: grant?.action ?? 'token:issue',
    resource: request === undefined ? 'oauth2/token' : `audience/${request.audience}`,
    request: auditRequest(trace),
    changes: { audience: request?.audience, scope: request?.scopes.join(' ') },
  };
}

const expiryText = isoTimes();

function issuedEvent(decision: Granted, trace: RequestTrace): NewAuditEvent {
  const { claims } = decision;
  const { changes, ...request } = asked(decision, trace);
  const { jti, exp, cnf, txn } = claims;
  return {
    type: 'countersign.issuer.token.issued.v1',
    subject: jti,
    traceparent: trace.traceparent,
    data: {
      principal: principalOfClaims(claims),
      txn,
      outcome: 'allowed',
      ...request,
      changes: { ...changes, jti, expires_at: expiryText(exp * 1_000), bound_to: cnf?.jkt },
    },
  };
}

function refusedEvent(decision: Refused, trace: RequestTrace): NewAuditEvent {
  const { client, subject, reason } = decision;
  const claimed = claimedName(decision.claimedClientId);
  const { changes, ...request } = asked(decision, trace);
  return {
    type: 'countersign.issuer.token.refused.v1',
    subject: claimed ?? client?.client_id ?? 'unknown',
    traceparent: trace.traceparent,
    data: {
      principal: refusedPrincipal(decision),
      txn: subject?.txn ?? null,
      outcome: 'denied',
      reason,
      ...request,
      changes: { ...changes, claimed_client_id: claimed },
    },
  };
}

/** The audit event of a decision: a token issued, exchanged or refused. It holds no token and no credentials. */
export function tokenEvent(decision: TokenDecision, trace: RequestTrace): NewAuditEvent {
  return decision.granted ? issuedEvent(decision, trace) : refusedEvent(decision, trace);
}
