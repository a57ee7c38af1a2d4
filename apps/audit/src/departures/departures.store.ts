import { Inject, Injectable } from '@nestjs/common';
import { DATABASE, type Database } from '@countersign/service-host';
import { and, asc, eq, gte, inArray, type SQL } from 'drizzle-orm';
import { type EventRow } from '../events/event-search.js';
import { eventTable } from '../log/event.tables.js';
import { PostingsStore, type Clause } from '../postings/postings.store.js';
import { PostingsWalk } from '../postings/postings-walk.js';
import { departureTypes } from './departure.js';

const GROUP = 200;
const columns = { logIndex: eventTable.logIndex, receivedAt: eventTable.receivedAt, event: eventTable.event };

/** Finds the issuer's events about the departure and return of people, clients and API keys: through the search index, the newest events directly. */
@Injectable()
export class DeparturesStore {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(PostingsStore) private readonly postings: PostingsStore,
  ) {}

  /** Oldest first. @param resources as named in events */
  async find(resources: readonly string[]): Promise<readonly EventRow[]> {
    const clauses: readonly Clause[] = [
      resources.map((value) => ({ field: 'resource', value })),
      departureTypes.map((value) => ({ field: 'type', value })),
    ];
    const { through, clauses: hashed } = await this.postings.prepare(clauses);
    const wanted = and(
      inArray(eventTable.resource, [...resources]),
      inArray(eventTable.type, [...departureTypes]),
      eq(eventTable.source, 'issuer'),
    );
    const found = await this.#select(and(gte(eventTable.logIndex, through), wanted));
    for (let high: bigint | undefined = through; high !== undefined;) {
      const walk: PostingsWalk = new PostingsWalk(this.postings, hashed, 'newest-first');
      for await (const proposed of walk.within({ low: 0n, high }, GROUP))
        found.unshift(...(await this.#select(and(inArray(eventTable.logIndex, [...proposed]), wanted))));
      high = walk.stoppedAt;
    }
    return found;
  }

  #select(condition: SQL | undefined): Promise<EventRow[]> {
    return this.database.select(columns).from(eventTable).where(condition).orderBy(asc(eventTable.logIndex));
  }
}
