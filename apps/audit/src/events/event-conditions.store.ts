import { and, arrayContains, eq, gte, lt, or, sql, type SQL } from 'drizzle-orm';
import { type EventQuery } from './event-filter.js';
import { eventTable } from '../log/event.tables.js';

/** The query as exact conditions on `event`; the index only proposes candidates. */
export function conditionsOf({ filter, visibility }: EventQuery): SQL | undefined {
  const is = <Value>(value: Value | undefined, condition: (value: Value) => SQL): SQL | undefined =>
    value === undefined ? undefined : condition(value);
  return and(
    is(filter.subject, (value) => eq(eventTable.subject, value)),
    is(filter.actor, (value) => arrayContains(eventTable.actors, [value])),
    is(filter.client, (value) => eq(eventTable.clientId, value)),
    is(filter.api_key, (value) => sql`${eventTable.event} #>> '{data,principal,api_key,id}' = ${value}`),
    is(filter.action, (value) => eq(eventTable.action, value)),
    is(filter.resource, (value) => eq(eventTable.resource, value)),
    is(filter.outcome, (value) => eq(eventTable.outcome, value)),
    is(filter.source, (value) => eq(eventTable.source, value)),
    is(filter.type, (value) => eq(eventTable.type, value)),
    is(filter.trace, (value) => eq(eventTable.traceId, value)),
    is(filter.txn, (value) => eq(eventTable.txn, value)),
    is(filter.from, (value) => gte(eventTable.time, new Date(value))),
    is(filter.to, (value) => lt(eventTable.time, new Date(value))),
    is(filter.q, (value) => sql`words_of(text_of(${eventTable.event})) @> words_of(${value}::text)`),
    visibility === 'all'
      ? undefined
      : or(
          eq(eventTable.subject, visibility.subject),
          is(visibility.clientId, (value) => eq(eventTable.clientId, value)),
        ),
  );
}
