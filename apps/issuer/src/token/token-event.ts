import { auditPerson, type AuditPrincipal, type EventContext, type NewAuditEvent } from '@countersign/audit-event';
import { auditRequest, txnOf, type RequestTrace } from '@countersign/service-host';
import { ApiKeyRefused } from '../api-keys/api-key-authentication.service.js';
import { events } from '../events.js';
import { claimedName } from '../registry/client.js';
import { type AccessTokenClaims } from './grants/access-token.js';
import { type Granted, type Refused, type TokenDecision } from './token-decision.js';

function auditPrincipalOfClaims(claims: AccessTokenClaims): AuditPrincipal {
  const actors: string[] = [];
  for (let { act } = claims; act !== undefined; act = act.act) actors.push(act.sub);
  return {
    subject: claims.sub,
    client_id: claims.client_id,
    actors,
    scopes: claims.scope.split(' '),
    jti: claims.jti,
    ...personOf(claims.kind, { roles: claims.roles ?? [], acr: claims.acr, authTime: claims.auth_time }),
    ...apiKeyOf(claims.api_key),
  };
}

function personOf(kind: string | undefined, person: Parameters<typeof auditPerson>[0]): Pick<AuditPrincipal, 'person'> {
  return kind === 'person' ? { person: auditPerson(person) } : {};
}

function apiKeyOf(
  key: { readonly id?: unknown; readonly name?: unknown } | undefined,
): Pick<AuditPrincipal, 'api_key'> {
  return key === undefined ? {} : { api_key: { id: String(key.id), name: String(key.name) } };
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
    ...(subject === undefined ? {} : personOf(subject.kind, subject)),
    ...apiKeyOf(subject?.apiKey),
  };
}

const contextOf = (trace: RequestTrace, principal: AuditPrincipal | null, txn: string): EventContext => ({
  principal,
  txn,
  traceparent: trace.traceparent,
  request: auditRequest(trace),
});

// Members of `changes` that are undefined are left out of the JSON.
function issuedEvent({ claims, client, grant, request, origin }: Granted, trace: RequestTrace): NewAuditEvent {
  const { jti, exp, cnf, txn } = claims;
  const { audience } = request;
  const isOwn = claims.client_id === client.client_id;
  return events.event('token.issued', contextOf(trace, auditPrincipalOfClaims(claims), txn), {
    id: audience,
    action: grant.action,
    changes: {
      audience,
      scope: claims.scope,
      jti,
      expires_at: new Date(exp * 1_000).toISOString(),
      bound_to: cnf?.jkt,
      exchanged_by: isOwn ? undefined : client.client_id,
      subject_token: origin,
    },
  });
}

function refusedEvent(decision: Refused, trace: RequestTrace): NewAuditEvent {
  const { grant, request, subject, reason, txn = subject?.txn ?? txnOf(trace) } = decision;
  const place =
    request === undefined
      ? ({ kind: 'endpoint', id: 'token' } as const)
      : ({ kind: 'audience', id: request.audience } as const);
  return events.event('token.refused', contextOf(trace, refusedPrincipal(decision), txn), {
    ...place,
    action: grant?.action ?? 'token:issue',
    outcome: 'denied',
    reason,
    changes: {
      audience: request?.audience,
      scope: request?.scopes.join(' '),
      claimed_client_id: claimedName(decision.claimedClientId),
      api_key: decision.answer instanceof ApiKeyRefused ? decision.answer.key?.id : undefined,
    },
  });
}

/** The audit event of a decision: a token issued, exchanged or refused. It holds no token and no credentials. */
export function tokenEvent(decision: TokenDecision, trace: RequestTrace): NewAuditEvent {
  return decision.granted ? issuedEvent(decision, trace) : refusedEvent(decision, trace);
}
