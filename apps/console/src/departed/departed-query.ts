import { queryOptions } from '@tanstack/react-query';
import { ask, valueOf } from '../api/client.js';
import { eventPageSchema } from '../api/events.js';
import { departuresOf } from './departures.js';

/** Maximum events of each kind that are asked for, the newest. */
const LIMIT = 200;
const asked = [{ q: 'disable' }, { q: 'enable' }, { action: 'api-key:revoke' }] as const;

/** Who has departed, as the trail says it. */
export const departedQuery = queryOptions({
  queryKey: ['events', 'departed'],
  staleTime: 300_000,
  queryFn: async ({ signal }) => {
    const pages = await Promise.all(
      asked.map(async (filter) => {
        const query = { source: 'issuer', limit: LIMIT, ...filter };
        return valueOf(await ask(eventPageSchema, '/events', { query, signal })).events;
      }),
    );
    return departuresOf(pages.flat());
  },
});
