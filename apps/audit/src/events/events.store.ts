import { Inject, Injectable } from '@nestjs/common';
import { DATABASE, pageOf, type Database } from '@countersign/service-host';
import { and, asc, count, desc, eq, gte, inArray, lt, sql, type SQL } from 'drizzle-orm';
import { z } from 'zod';
import { type Direction } from '../postings/index-bits.js';
import { PostingsStore, type IndexRange } from '../postings/postings.store.js';
import { PostingsWalk } from '../postings/postings-walk.js';
import { conditionsOf } from './event-conditions.store.js';
import { clausesOf, type EventQuery } from './event-filter.js';
import { type EventRow } from './event-search.js';
import { type SourceStatistics } from './event-statistics.js';
import { eventTable } from '../log/event.tables.js';

const columns = { logIndex: eventTable.logIndex, receivedAt: eventTable.receivedAt, event: eventTable.event };
const sourceRows = z.array(z.object({ source: z.string(), through: z.string(), advanced_at: z.coerce.date() }));
const sizeRows = z.tuple([z.object({ size: z.string().transform(BigInt) })]);
const LAST_INDEX = 2n ** 62n;

export interface FindOptions {
  readonly direction: Direction;
  /** Only events after this log index in the given direction; without it, from the beginning. */
  readonly after: bigint | undefined;
  /** Only events below this log index. */
  readonly below?: bigint;
  /** Maximum number of rows. */
  readonly limit: number;
}

export interface Finding {
  readonly rows: readonly EventRow[];
  /** How far the search got; undefined if it reached the end. Events after this log index were not scanned. */
  readonly next: bigint | null;
}

/** Reads the log: indexed events through their postings, the newest few directly. */
@Injectable()
export class EventsStore {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(PostingsStore) private readonly postings: PostingsStore,
  ) {}

  /** One event by its id. */
  async read(id: string): Promise<EventRow | undefined> {
    const [row] = await this.database.select(columns).from(eventTable).where(eq(eventTable.id, id));
    return row;
  }

  /** The number of events with a log index. */
  async size(): Promise<bigint> {
    // If retention has sealed the last one, there is no event.
    const { rows } = await this.database.execute(
      sql`select greatest((select max(log_index) + 1 from event), (select minimum_index from log_retention))::text as size`,
    );
    return sizeRows.parse(rows)[0].size;
  }

  /** How far each source's events are complete. */
  async sources(): Promise<readonly SourceStatistics[]> {
    const { rows } = await this.database.execute(
      sql`select source, through::text, advanced_at from source_progress order by source`,
    );
    return sourceRows
      .parse(rows)
      .map(({ advanced_at, ...source }) => ({ ...source, advanced_at: advanced_at.toISOString() }));
  }

  /** How many events there are of each outcome from a log index up to, not including, another. */
  async outcomesBetween(first: bigint, end: bigint): Promise<ReadonlyMap<string, bigint>> {
    const rows = await this.database
      .select({ outcome: eventTable.outcome, events: count() })
      .from(eventTable)
      .where(and(gte(eventTable.logIndex, first), lt(eventTable.logIndex, end)))
      .groupBy(eventTable.outcome);
    return new Map(rows.map(({ outcome, events }) => [outcome, BigInt(events)]));
  }

  async find(query: EventQuery, options: FindOptions): Promise<Finding> {
    const { direction, after, below = LAST_INDEX, limit } = options;
    const newestFirst = direction === 'newest-first';
    const bounds: IndexRange = newestFirst
      ? { low: 0n, high: after === undefined || after > below ? below : after }
      : { low: after === undefined ? 0n : after + 1n, high: below };
    const clauses = clausesOf(query);
    const { from, to } = query.filter;
    if (clauses.length === 0 && from === undefined && to === undefined) {
      return finished(await this.#scan(query, bounds, direction, limit + 1), limit);
    }
    const { through, clauses: hashed } = await this.postings.prepare(clauses);
    const walk = new PostingsWalk(this.postings, hashed, direction);
    const indexed = { low: bounds.low, high: bounds.high < through ? bounds.high : through };
    const fresh = { low: bounds.low > through ? bounds.low : through, high: bounds.high };
    const rows: EventRow[] = [];
    if (newestFirst) rows.push(...(await this.#scan(query, fresh, direction, limit + 1)));
    for (const range of rows.length > limit ? [] : await this.#rangesOf(query, indexed, direction)) {
      if (hashed.length === 0) {
        rows.push(...(await this.#scan(query, range, direction, limit + 1 - rows.length)));
      } else {
        for await (const proposed of walk.within(range, limit + 1)) {
          rows.push(...(await this.#fetch(query, proposed, direction)));
          if (rows.length > limit) break;
        }
      }
      if (rows.length > limit) break;
      if (walk.stoppedAt !== undefined) return { rows, next: walk.stoppedAt };
    }
    if (!newestFirst && rows.length <= limit) {
      rows.push(...(await this.#scan(query, fresh, direction, limit + 1 - rows.length)));
    }
    return finished(rows, limit);
  }

  async #rangesOf({ filter }: EventQuery, bounds: IndexRange, direction: Direction): Promise<readonly IndexRange[]> {
    const { from, to } = filter;
    const known =
      from === undefined && to === undefined
        ? [bounds]
        : await this.postings.rangesOfTime(
            from === undefined ? undefined : new Date(from),
            to === undefined ? undefined : new Date(to),
          );
    const within = known
      .map(({ low, high }) => ({
        low: low > bounds.low ? low : bounds.low,
        high: high < bounds.high ? high : bounds.high,
      }))
      .filter(({ low, high }) => low < high);
    return direction === 'newest-first' ? within.reverse() : within;
  }

  #scan(query: EventQuery, { low, high }: IndexRange, direction: Direction, limit: number): Promise<EventRow[]> {
    const within = and(gte(eventTable.logIndex, low), lt(eventTable.logIndex, high));
    return this.#select(and(within, conditionsOf(query)), direction, limit);
  }

  #fetch(query: EventQuery, proposed: readonly bigint[], direction: Direction): Promise<EventRow[]> {
    return this.#select(
      and(inArray(eventTable.logIndex, [...proposed]), conditionsOf(query)),
      direction,
      proposed.length,
    );
  }

  #select(condition: SQL | undefined, direction: Direction, limit: number): Promise<EventRow[]> {
    const order = direction === 'newest-first' ? desc(eventTable.logIndex) : asc(eventTable.logIndex);
    return this.database.select(columns).from(eventTable).where(condition).orderBy(order).limit(limit);
  }
}

/** @param rows one more than the limit, if more follow */
function finished(rows: readonly EventRow[], limit: number): Finding {
  const { rows: shown, last } = pageOf(rows, limit);
  return { rows: shown, next: last?.logIndex ?? null };
}
