import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { EVERY } from '@countersign/audit-event';
import { AUDIT_OUTBOX, by, type Caller } from '@countersign/service-host';
import { events } from '../events.js';
import { EventsStore } from './events.store.js';
import { type NewestEvent, type NewestQuery } from './newest-events.js';

/** Searches at once: each takes a connection of the pool. */
const AT_ONCE = 4;

/** Says what clients did last; the look is recorded before it is answered. */
@Injectable()
export class NewestEvents {
  constructor(
    @Inject(EventsStore) private readonly store: EventsStore,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
  ) {}

  /** @returns no entry for a client without an event */
  async of({ clients }: NewestQuery, caller: Caller): Promise<readonly NewestEvent[]> {
    const newest: NewestEvent[] = [];
    for (let first = 0; first < clients.length; first += AT_ONCE) {
      const found = await Promise.all(clients.slice(first, first + AT_ONCE).map((client) => this.#of(client)));
      newest.push(...found.filter((one) => one !== undefined));
    }
    const searched = { search: { newest_of: clients }, shown: newest.length };
    const details = { id: EVERY, action: 'audit:read', changes: searched } as const;
    await this.outbox.recordDurably(events.event('events.searched', by(caller), details));
    return newest;
  }

  async #of(client: string): Promise<NewestEvent | undefined> {
    const query = { filter: { client }, visibility: 'all' } as const;
    const options = { direction: 'newest-first', after: undefined, limit: 1 } as const;
    const { rows } = await this.store.find(query, options);
    const [row] = rows;
    if (row === undefined) return undefined;
    const { time, data } = row.event;
    return { client, log_index: row.logIndex.toString(), time, action: data.action, outcome: data.outcome };
  }
}
