import { principalOf, type AuditPrincipal } from '@countersign/audit-event';
import { type Principal } from '@countersign/auth-core';
import { auditRequest, type RequestTrace } from '@countersign/service-host';

/** Who asks, and in which request. */
export interface Asking {
  readonly caller: Principal;
  readonly trace: RequestTrace;
}

/** The caller's part of an event. */
export function whoAsks(asking: Asking | undefined): {
  readonly principal: AuditPrincipal | null;
  readonly txn: string | null;
  readonly request?: ReturnType<typeof auditRequest>;
} {
  if (asking === undefined) return { principal: null, txn: null };
  const { caller, trace } = asking;
  return { principal: principalOf(caller), txn: caller.txn, request: auditRequest(trace) };
}
