import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { AUDIT_OUTBOX, by, Problem, type Caller } from '@countersign/service-host';
import { events } from '../events.js';
import { GapsStore, type Gap } from './gaps.store.js';

/** Permanently accepts that numbers of a source are missing, so that a gap that never closes does not hide the next one. */
@Injectable()
export class GapsService {
  constructor(
    @Inject(GapsStore) private readonly store: GapsStore,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
  ) {}

  /** @throws {Problem} 409 `GAP_UNKNOWN` if these numbers are not all missing below higher ones */
  async accept(gap: Gap, reason: string, caller: Caller): Promise<void> {
    const { source } = gap;
    const [first, last] = [gap.first.toString(), gap.last.toString()];
    const about = { id: source, changes: { source, first, last, reason } };
    if (await this.store.accept(gap, events.event('gap.accepted', by(caller), about))) return;
    const problem = new Problem(
      409,
      'GAP_UNKNOWN',
      `The numbers ${first} to ${last} of ${source} are not all missing; GET /intake/sources lists the missing ones.`,
    );
    const refused = { ...about, outcome: 'failed', reason: problem.code } as const;
    await this.outbox.recordDurably(events.event('gap.refused', by(caller), refused));
    throw problem;
  }
}
