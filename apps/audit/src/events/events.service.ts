import { Inject, Injectable } from '@nestjs/common';
import { Problem } from '@countersign/service-host';
import { PostingsStore } from '../postings/postings.store.js';
import { matches } from './event-filter.js';
import { foundOf, type EventPage, type EventSearch, type FoundEvent } from './event-search.js';
import { type EventStatistics } from './event-statistics.js';
import { EventsStore } from './events.store.js';
import { Looks, type Looker } from './looks.js';
import { visibilityOf } from './visibility.js';

/** Events that the index does not have and that are counted one by one all the same. */
const COUNTED_DIRECTLY = 100_000n;

/** Searches the trail; each look is itself in the trail before it is answered. */
@Injectable()
export class EventsService {
  constructor(
    @Inject(EventsStore) private readonly events: EventsStore,
    @Inject(PostingsStore) private readonly postings: PostingsStore,
    @Inject(Looks) private readonly looks: Looks,
  ) {}

  async search(search: EventSearch, looker: Looker): Promise<EventPage> {
    const { limit, cursor, ...filter } = search;
    const after = cursor === undefined ? undefined : BigInt(cursor);
    const { rows, next } = await this.events.find(
      { filter, visibility: visibilityOf(looker.caller) },
      { direction: 'newest-first', after, limit },
    );
    const changes = { search, shown: rows.length };
    await this.looks.record({ done: 'events.searched', resource: 'events', changes }, looker);
    return { events: rows.map(foundOf), next_cursor: next?.toString() ?? null };
  }

  /** What a caller may not see is not there for it. */
  async read(id: string, looker: Looker): Promise<FoundEvent> {
    const row = await this.events.read(id);
    const visible = row !== undefined && matches(row.event, { filter: {}, visibility: visibilityOf(looker.caller) });
    const changes = { shown: visible ? 1 : 0 };
    await this.looks.record({ done: 'event.read', resource: `event/${id}`, changes }, looker);
    if (!visible) throw new Problem(404, 'EVENT_UNKNOWN', 'There is no such event in the trail.');
    return foundOf(row);
  }

  async statistics(looker: Looker): Promise<EventStatistics> {
    // The index may go on between the questions; an event is then counted once or twice, never left out.
    const { through } = await this.postings.prepare([]);
    const size = await this.events.size();
    const behind = size - through > COUNTED_DIRECTLY;
    const [sources, indexed, fresh] = await Promise.all([
      this.events.sources(),
      this.postings.counts('outcome', ['allowed', 'denied', 'failed']),
      behind ? new Map<string, bigint>() : this.events.outcomesFrom(through),
    ]);
    await this.looks.record(
      { done: 'events.counted', resource: 'events', changes: { events: size.toString() } },
      looker,
    );
    return {
      events: size.toString(),
      indexed: through.toString(),
      sources,
      counted: (behind ? through : size).toString(),
      outcomes: Object.fromEntries(
        indexed.map(({ value, count }) => [value, (BigInt(count) + (fresh.get(value) ?? 0n)).toString()]),
      ),
    };
  }
}
