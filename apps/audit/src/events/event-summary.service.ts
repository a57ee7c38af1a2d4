import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { EVERY } from '@countersign/audit-event';
import { AUDIT_OUTBOX, by, CLOCK, type Caller } from '@countersign/service-host';
import { events } from '../events.js';
import { PostingsCounts, type StepCount } from '../postings/postings-counts.store.js';
import { clausesOf, type EventQuery } from './event-filter.js';
import { facetsOf, Histogram, type EventSummary, type EventSummaryQuery } from './event-summary.js';
import { EventsStore } from './events.store.js';
import { readingScopeOf, visibilityOf } from './visibility.js';

/** Maximum number of events that are examined one by one. */
const LOOKED_AT = 2_000;

/** How many events match, over time: the newest counted one by one, all earlier ones through the search index. */
@Injectable()
export class EventSummaryService {
  constructor(
    @Inject(EventsStore) private readonly store: EventsStore,
    @Inject(PostingsCounts) private readonly counts: PostingsCounts,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(CLOCK) private readonly clock: () => Date,
  ) {}

  async summarise({ buckets: count, ...filter }: EventSummaryQuery, caller: Caller): Promise<EventSummary> {
    const query: EventQuery = { filter, visibility: visibilityOf(caller.principal) };
    const { rows, next } = await this.store.find(query, {
      direction: 'newest-first',
      after: undefined,
      limit: LOOKED_AT,
    });
    const newest = rows.map(({ event }) => event);
    const times = newest.map(({ time }) => Date.parse(time));
    const oldest = rows.at(-1)?.logIndex ?? 0n;
    const steps = next === null ? [] : await this.#steps(query, oldest);
    const to = filter.to === undefined ? Math.max(this.clock().getTime(), ...times) + 1 : Date.parse(filter.to);
    const first = Math.min(...times, ...steps.map(({ minTime }) => minTime), to - 1);
    const from = filter.from === undefined ? first : Date.parse(filter.from);
    const histogram = new Histogram({ from, to, count });
    for (const { event } of rows) histogram.add(Date.parse(event.time), event.data.outcome);
    for (const { minTime, maxTime, allowed, denied, failed } of steps) {
      histogram.spread(minTime, maxTime, 'allowed', allowed);
      histogram.spread(minTime, maxTime, 'denied', denied);
      histogram.spread(minTime, maxTime, 'failed', failed);
    }
    const buckets = histogram.buckets();
    const total = buckets.reduce((sum, { allowed, denied, failed }) => sum + allowed + denied + failed, 0);
    const counted = { id: EVERY, action: readingScopeOf(caller.principal), changes: { search: filter, events: total } };
    await this.outbox.recordDurably(events.event('events.summarised', by(caller), counted));
    return {
      from: new Date(from).toISOString(),
      to: new Date(to).toISOString(),
      buckets,
      events: total,
      exact: next === null,
      facets: facetsOf(newest),
      facets_of: newest.length,
    };
  }

  #steps(query: EventQuery, below: bigint): Promise<readonly StepCount[]> {
    const { from, to } = query.filter;
    return this.counts.ofSteps(
      clausesOf(query),
      below,
      from === undefined ? undefined : new Date(from),
      to === undefined ? undefined : new Date(to),
    );
  }
}
