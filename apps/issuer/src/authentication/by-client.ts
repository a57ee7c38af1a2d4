import { type EventContext } from '@countersign/audit-event';
import { auditRequest, txnOf, type RequestTrace } from '@countersign/service-host';

/**
 * The part of an audit event of a client that authenticated at an OAuth endpoint by its credentials: there is no token for it.
 * @param txn of the token in question; without one the request starts a transaction
 */
export function byClient(clientId: string, trace: RequestTrace, txn: string = txnOf(trace)): EventContext {
  return {
    principal: { subject: clientId, client_id: clientId, actors: [], scopes: [], jti: 'none' },
    txn,
    traceparent: trace.traceparent,
    request: auditRequest(trace),
  };
}
