import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { EVERY } from '@countersign/audit-event';
import { AUDIT_OUTBOX, Background, by, CLOCK, Problem, type Caller } from '@countersign/service-host';
import { events } from '../events.js';
import { hoursOf, MAP_DAYS, TIMED_EVENTS, type CallMap, type CallMapQuery } from './call-map.js';
import { CallsStore } from './calls.store.js';

const COUNT_EVERY_MS = 1_000;

/** Who called whom, counted shortly behind the log; each read is recorded before it is answered. */
@Injectable()
export class CallsService {
  constructor(
    @Inject(CallsStore) private readonly store: CallsStore,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(Background) background: Background,
  ) {
    background.repeat({
      name: 'calls_counted',
      everyMs: COUNT_EVERY_MS,
      run: async () => ((await store.advance()) > 0 ? 'again' : undefined),
    });
  }

  /** @throws {Problem} 400 `PERIOD_TOO_LONG` */
  async read(query: CallMapQuery, caller: Caller): Promise<CallMap> {
    const hours = hoursOf(query, this.clock());
    if (hours === undefined) {
      throw new Problem(
        400,
        'PERIOD_TOO_LONG',
        `A map covers at most ${String(MAP_DAYS)} days; choose a shorter period.`,
      );
    }
    const { calls, leftOut, through } = await this.store.read(hours);
    const [from, to] = [hours.from.toISOString(), hours.to.toISOString()];
    const read = { id: EVERY, changes: { from, to, shown: calls.length } };
    await this.outbox.recordDurably(events.event('calls.counted', by(caller), read));
    return { from, to, calls, left_out: leftOut, counted_through: through, timed_events: TIMED_EVENTS };
  }
}
