import { Inject, Injectable } from '@nestjs/common';
import { principalOf } from '@countersign/audit-event';
import { type Principal } from '@countersign/auth-core';
import { auditRequest, Problem, type RequestTrace } from '@countersign/service-host';
import { GapsStore, type Gap } from './gaps.store.js';

/** Accepts for good that numbers of a source are missing: so that one that never closes does not hide the next. */
@Injectable()
export class GapsService {
  constructor(@Inject(GapsStore) private readonly store: GapsStore) {}

  /** @throws {Problem} 409 `GAP_UNKNOWN` when these numbers are not all missing below higher ones */
  async accept(gap: Gap, reason: string, caller: Principal, trace: RequestTrace): Promise<void> {
    const { source } = gap;
    const [first, last] = [gap.first.toString(), gap.last.toString()];
    const accepted = await this.store.accept(gap, {
      type: 'countersign.audit.gap.accepted.v1',
      subject: `source/${source}`,
      traceparent: trace.traceparent,
      data: {
        principal: principalOf(caller),
        txn: caller.txn,
        action: 'audit:admin',
        resource: `source/${source}`,
        outcome: 'allowed',
        request: auditRequest(trace),
        changes: { source, first, last, reason },
      },
    });
    if (accepted) return;
    throw new Problem(
      409,
      'GAP_UNKNOWN',
      `The numbers ${first} to ${last} of ${source} are not all missing; GET /intake/sources lists what is missing.`,
    );
  }
}
