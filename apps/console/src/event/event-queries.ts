import { queryOptions } from '@tanstack/react-query';
import * as z from 'zod/mini';
import { ask, valueOf, type Answer } from '../api/client.js';
import { eventPageSchema, type FoundEvent } from '../api/events.js';
import { ApiProblem } from '../api/problem.js';

const INDEX = /^(0|[1-9][0-9]{0,16})$/;
export const RELATED_LIMIT = 200;
const TOKEN_ISSUED = 'countersign.issuer.token.issued.v1';

function foundAt(index: string, answer: Answer<z.infer<typeof eventPageSchema>>): FoundEvent {
  const [found] = valueOf(answer).events;
  if (found?.log_index === index) return found;
  const detail = `The log has no event at ${index} that you may see; retention may have moved it to a file.`;
  throw new ApiProblem(404, 'EVENT_UNKNOWN', detail);
}

/** The event at a place in the log. */
export const eventQuery = (index: string) =>
  queryOptions({
    queryKey: ['event', index],
    queryFn: async ({ signal }) => {
      if (!INDEX.test(index)) throw new ApiProblem(404, 'EVENT_UNKNOWN', 'A log index must be a whole number.');
      // A page begins below its cursor.
      const query = { cursor: (BigInt(index) + 1n).toString(), limit: 1 };
      return foundAt(index, await ask(eventPageSchema, '/events', { query, signal }));
    },
    staleTime: Infinity,
  });

/** The newest events of one trace or transaction. */
export interface Related {
  /** Oldest first. */
  readonly events: readonly FoundEvent[];
  /** Whether there are older ones, which are omitted. */
  readonly isCut: boolean;
}

/** Other events of the same trace or transaction. */
export const relatedQuery = (by: 'trace' | 'txn', value: string) =>
  queryOptions({
    queryKey: ['related', by, value],
    queryFn: async ({ signal }): Promise<Related> => {
      const query = { [by]: value, limit: RELATED_LIMIT };
      const { events, next_cursor: next } = valueOf(await ask(eventPageSchema, '/events', { query, signal }));
      return { events: events.toReversed(), isCut: next !== null };
    },
  });

/** The issuer's event about the issuance of a token. @returns null if the trail has none that the person may see */
export const tokenQuery = (jti: string) =>
  queryOptions({
    queryKey: ['token', jti],
    queryFn: async ({ signal }): Promise<FoundEvent | null> => {
      // The issuer's ids are single words of the index; its events contain nobody else's tokens.
      if (!/^[\w-]{1,128}$/.test(jti)) return null;
      // By type: introspections name the token too, and are newer.
      const query = { source: 'issuer', type: TOKEN_ISSUED, q: jti, limit: 20 };
      const { events } = valueOf(await ask(eventPageSchema, '/events', { query, signal }));
      return events.find(({ event: { type, data } }) => type === TOKEN_ISSUED && data.changes?.['jti'] === jti) ?? null;
    },
    // The issuer's event may arrive after the one shown.
    staleTime: ({ state }) => (state.data ? Infinity : 0),
  });

const revealedSchema = z.object({
  values: z.array(z.object({ path: z.string(), value: z.unknown(), salt: z.string() })),
});

/** Requests an event's values that the log has only as commitments. Recorded, with the reason. */
export async function reveal(id: string, reason: string) {
  return ask(revealedSchema, `/events/${encodeURIComponent(id)}/reveal`, { method: 'POST', body: { reason } });
}
