import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { principalOf } from '@countersign/audit-event';
import { type Principal } from '@countersign/auth-core';
import { AUDIT_OUTBOX, auditRequest, Problem, type RequestTrace } from '@countersign/service-host';
import { RecoveryService } from '../recovery/recovery.service.js';
import { type DeadLetter, DeadLetterStore, type Replayed } from './dead-letters.store.js';

const refusals = {
  unknown: () => new Problem(404, 'DEAD_LETTER_UNKNOWN', 'There is no such dead letter.'),
  'replayed-before': () => new Problem(409, 'DEAD_LETTER_REPLAYED', 'This dead letter is already in the trail.'),
  taken: () =>
    new Problem(409, 'SEQUENCE_TAKEN', 'Another event has its sequence number or its id, so it cannot be replayed.'),
  erased: () =>
    new Problem(409, 'DEAD_LETTER_ERASED', 'Its content was erased on request or by age, so it cannot be replayed.'),
  rejected: (reason: string) => new Problem(422, 'DEAD_LETTER_STILL_REFUSED', reason),
};

/** Shows what no trail could take, and tries it once more: after an update of the service, say, that knows its form. */
@Injectable()
export class DeadLettersService {
  constructor(
    @Inject(DeadLetterStore) private readonly store: DeadLetterStore,
    @Inject(RecoveryService) private readonly recovery: RecoveryService,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
  ) {}

  async list(after: string, limit: number, caller: Principal, trace: RequestTrace): Promise<readonly DeadLetter[]> {
    const letters = await this.store.list(after, limit);
    await this.#record('dead-letters.listed', 'dead-letters', { shown: letters.length }, caller, trace);
    return letters;
  }

  async replay(position: string, caller: Principal, trace: RequestTrace): Promise<Replayed> {
    if (!this.recovery.mayGrow) {
      throw new Problem(503, 'LOG_RESTORED', 'The log is being compared or recovered after a restore; retry later.', {
        retry_after: 5,
      });
    }
    const result = await this.store.replay(position);
    if (result.kind !== 'replayed') {
      throw result.kind === 'rejected' ? refusals.rejected(result.reason) : refusals[result.kind]();
    }
    const { log_index } = result.letter;
    await this.#record('dead-letter.replayed', `dead-letter/${position}`, { log_index }, caller, trace);
    return result.letter;
  }

  async #record(
    done: string,
    resource: string,
    changes: Record<string, unknown>,
    caller: Principal,
    trace: RequestTrace,
  ): Promise<void> {
    await this.outbox.recordDurably({
      type: `countersign.audit.${done}.v1`,
      subject: resource,
      traceparent: trace.traceparent,
      data: {
        principal: principalOf(caller),
        txn: caller.txn,
        action: done === 'dead-letter.replayed' ? 'audit:admin' : 'audit:read',
        resource,
        outcome: 'allowed',
        request: auditRequest(trace),
        changes,
      },
    });
  }
}
