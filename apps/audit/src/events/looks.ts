import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { principalOf } from '@countersign/audit-event';
import { type Principal } from '@countersign/auth-core';
import { AUDIT_OUTBOX, auditRequest, type RequestTrace } from '@countersign/service-host';
import { readingScopeOf } from './visibility.js';

/** Who looks, and by which request. */
export interface Looker {
  readonly caller: Principal;
  readonly trace: RequestTrace;
}

export interface Look {
  /** `events.searched`: thing and verb of the event's type. */
  readonly done: string;
  readonly resource: string;
  /** What was asked and how much was shown. */
  readonly changes: Record<string, unknown>;
  /** The scope that let the caller; the reading scopes by default. */
  readonly action?: string;
  readonly outcome?: 'allowed' | 'failed';
}

/** A look into the trail is itself in the trail. */
@Injectable()
export class Looks {
  constructor(@Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox) {}

  /** Resolves once the look is committed; only then may anything be shown. */
  async record({ done, resource, changes, action, outcome = 'allowed' }: Look, looker: Looker): Promise<void> {
    const { caller, trace } = looker;
    await this.outbox.recordDurably({
      type: `countersign.audit.${done}.v1`,
      subject: resource,
      traceparent: trace.traceparent,
      data: {
        principal: principalOf(caller),
        txn: caller.txn,
        action: action ?? readingScopeOf(caller),
        resource,
        outcome,
        request: auditRequest(trace),
        changes,
      },
    });
  }
}
