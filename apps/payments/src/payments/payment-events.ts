import { principalOf, type AuditPrincipal, type NewAuditEvent } from '@countersign/audit-event';
import { type Principal } from '@countersign/auth-core';
import { auditRequest, type RequestTrace } from '@countersign/service-host';
import { type Payment } from './payment.js';

/** Who is calling, proven, and by which request. */
export interface Caller {
  readonly principal: Principal;
  readonly trace: RequestTrace;
}

/** A caller whose token may be exchanged. */
export interface PayingCaller extends Caller {
  readonly token: string;
}

/** Payments itself, while it finishes what was cut off. */
export interface RecoveryAuthor {
  readonly clientId: string;
  readonly traceparent: string;
}

export type Author = Caller | RecoveryAuthor;

/** On whose behalf a payment or a refund was begun. */
export type OnBehalf = Pick<Payment, 'subject' | 'clientId' | 'actors' | 'txn'>;

/** What an event tells beside who did it. */
export interface Told {
  /** `payment.settled`, `refund.created`, … */
  readonly done: string;
  readonly action: string;
  readonly resource: string;
  readonly failure?: string | undefined;
  readonly changes?: Readonly<Record<string, unknown>>;
}

/** An audit event of payments; the subject of a `payment/…` resource is its id. */
export function auditEvent(told: Told, author: Author, behalf?: OnBehalf): NewAuditEvent {
  const { done, action, resource, failure, changes } = told;
  const onBehalf = 'principal' in author || behalf === undefined ? {} : { on_behalf_of: behalfJson(behalf) };
  const all = { ...changes, ...onBehalf };
  return {
    type: `countersign.payments.${done}.v1`,
    subject: resource.slice(resource.indexOf('/') + 1),
    traceparent: 'principal' in author ? author.trace.traceparent : author.traceparent,
    data: {
      principal: 'principal' in author ? principalOf(author.principal) : ownPrincipal(author.clientId),
      txn: 'principal' in author ? author.principal.txn : (behalf?.txn ?? null),
      action,
      resource,
      outcome: failure === undefined ? 'allowed' : 'failed',
      ...(failure === undefined ? {} : { reason: failure }),
      ...('principal' in author ? { request: auditRequest(author.trace) } : {}),
      ...(Object.keys(all).length === 0 ? {} : { changes: all }),
    },
  };
}

function behalfJson({ subject, clientId, actors }: OnBehalf): object {
  return { subject, client_id: clientId, actors };
}

function ownPrincipal(clientId: string): AuditPrincipal {
  return { subject: clientId, client_id: clientId, actors: [], scopes: [], jti: 'none' };
}
