import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { AUDIT_OUTBOX, type Caller } from '@countersign/service-host';
import { EventsStore } from './events.store.js';
import { searchRecord } from './search-record.js';
import { type NewestEvent, type NewestQuery } from './newest-events.js';

/** Maximum concurrent searches: each takes a connection of the pool. */
const AT_ONCE = 4;

/** Finds what clients did last; the read is recorded before it is answered. */
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
    await this.outbox.recordDurably(searchRecord(caller, { newest_of: clients }, newest.length));
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
