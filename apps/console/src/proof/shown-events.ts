import * as z from 'zod/mini';
import { ask, valueOf } from '../api/client.js';
import { serverQueryOf } from '../filters/server-query.js';
import { type TrailSearch } from '../filters/trail-search.js';
import { type ShownEvent } from './event-check.js';

// Events stay as the server sent them: if a schema removed a member, it would change what is hashed.
const foundSchema = z.object({ log_index: z.string(), event: z.unknown() });
const pageSchema = z.object({ events: z.array(foundSchema) });

const shownOf = ({ log_index: index, event }: z.infer<typeof foundSchema>): ShownEvent => ({
  logIndex: Number(index),
  event,
});

/** One event by its id, as the server returns it. @throws {ApiProblem} */
export async function eventById(id: string): Promise<readonly ShownEvent[]> {
  return [shownOf(valueOf(await ask(foundSchema, `/events/${encodeURIComponent(id)}`)))];
}

/** The newest page that matches the trail's filters, as the server returns it. @param now milliseconds since 1970. @throws {ApiProblem} */
export async function eventsOfPage(search: TrailSearch, now: number): Promise<readonly ShownEvent[]> {
  const query = { ...serverQueryOf(search, now), limit: 50 };
  return valueOf(await ask(pageSchema, '/events', { query })).events.map(shownOf);
}
