import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { EVERY } from '@countersign/audit-event';
import { AUDIT_OUTBOX, CLOCK, by, type Caller } from '@countersign/service-host';
import { events } from '../events.js';
import { type InvariantsJson } from './invariants.js';
import { InvariantsStore } from './invariants.store.js';

/** Checks in the database whether the ledger is consistent. */
@Injectable()
export class InvariantsService {
  #running: Promise<InvariantsJson> | undefined;

  constructor(
    @Inject(InvariantsStore) private readonly store: InvariantsStore,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  async check(caller: Caller): Promise<InvariantsJson> {
    const answer = await this.#askOnce();
    const broken = answer.invariants.filter(({ ok }) => !ok).map(({ name }) => name);
    const changes = { ok: answer.ok, broken };
    await this.outbox.recordDurably(events.event('invariants.checked', by(caller), { id: EVERY, changes }));
    return answer;
  }

  /** One at a time, because each reads every entry: a caller during a check gets its result. */
  #askOnce(): Promise<InvariantsJson> {
    this.#running ??= this.store.ask(this.clock).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }
}
