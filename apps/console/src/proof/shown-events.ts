import * as z from 'zod/mini';
import { ask, valueOf } from '../api/client.js';
import { type ShownEvent } from './event-check.js';

// Events stay as the server sent them: a schema that took a member away would change what is hashed.
const foundSchema = z.object({ log_index: z.string(), event: z.unknown() });
const pageSchema = z.object({ events: z.array(foundSchema) });

const shownOf = ({ log_index: index, event }: z.infer<typeof foundSchema>): ShownEvent => ({
  logIndex: Number(index),
  event,
});

/** One event by its id, as the server shows it. @throws {ApiProblem} */
export async function eventById(id: string): Promise<readonly ShownEvent[]> {
  return [shownOf(valueOf(await ask(foundSchema, `/events/${encodeURIComponent(id)}`)))];
}

/** A page of results, as the server shows it. @throws {ApiProblem} */
export async function eventsOfPage(
  query: Readonly<Record<string, string | undefined>>,
): Promise<readonly ShownEvent[]> {
  return valueOf(await ask(pageSchema, '/events', { query: { ...query, limit: 50 } })).events.map(shownOf);
}
