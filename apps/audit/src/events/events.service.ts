import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { EVERY } from '@countersign/audit-event';
import { AUDIT_OUTBOX, by, Problem, type Caller } from '@countersign/service-host';
import { events } from '../events.js';
import { PostingsStore } from '../postings/postings.store.js';
import { matches } from './event-filter.js';
import { foundOf, type EventPage, type EventSearch, type FoundEvent } from './event-search.js';
import { type EventStatistics } from './event-statistics.js';
import { searchRecord } from './search-record.js';
import { EventsStore } from './events.store.js';
import { readingScopeOf, visibilityOf } from './visibility.js';

/** Maximum unindexed events that are counted one by one. */
const COUNTED_DIRECTLY = 100_000n;

/** Searches the trail; each read is recorded in the trail before it is answered. */
@Injectable()
export class EventsService {
  constructor(
    @Inject(EventsStore) private readonly store: EventsStore,
    @Inject(PostingsStore) private readonly postings: PostingsStore,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
  ) {}

  async search(search: EventSearch, caller: Caller): Promise<EventPage> {
    const { limit, cursor, ...filter } = search;
    const after = cursor === undefined ? undefined : BigInt(cursor);
    const { rows, next } = await this.store.find(
      { filter, visibility: visibilityOf(caller.principal) },
      { direction: 'newest-first', after, limit },
    );
    await this.outbox.recordDurably(searchRecord(caller, search, rows.length));
    return { events: rows.map(foundOf), next_cursor: next?.toString() ?? null };
  }

  /** Events that a caller may not see do not exist for it. */
  async read(id: string, caller: Caller): Promise<FoundEvent> {
    const row = await this.store.read(id);
    const visible = row !== undefined && matches(row.event, { filter: {}, visibility: visibilityOf(caller.principal) });
    const outcome = row === undefined ? 'failed' : 'denied';
    const missed = visible ? {} : ({ outcome, reason: 'EVENT_UNKNOWN' } as const);
    const read = { id, action: readingScopeOf(caller.principal), ...missed, changes: { shown: visible ? 1 : 0 } };
    await this.outbox.recordDurably(events.event('event.read', by(caller), read));
    if (!visible) throw new Problem(404, 'EVENT_UNKNOWN', 'There is no such event in the trail.');
    return foundOf(row);
  }

  async statistics(caller: Caller): Promise<EventStatistics> {
    // The index may advance between the queries; an event is then counted once or twice, never missed.
    const { through } = await this.postings.prepare([]);
    const size = await this.store.size();
    const behind = size - through > COUNTED_DIRECTLY;
    const [sources, indexed, fresh] = await Promise.all([
      this.store.sources(),
      this.postings.counts('outcome', ['allowed', 'denied', 'failed']),
      behind ? new Map<string, bigint>() : this.store.outcomesBetween(through, size),
    ]);
    const outcomes = indexed.map(({ value, count }): readonly [string, bigint] => [
      value,
      BigInt(count) + (fresh.get(value) ?? 0n),
    ]);
    const counted = { id: EVERY, changes: { events: size.toString() } };
    await this.outbox.recordDurably(events.event('events.counted', by(caller), counted));
    return {
      events: size.toString(),
      indexed: through.toString(),
      sources,
      counted: outcomes.reduce((sum, [, count]) => sum + count, 0n).toString(),
      outcomes: Object.fromEntries(outcomes.map(([value, count]) => [value, count.toString()])),
    };
  }
}
