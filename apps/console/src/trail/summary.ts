import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import * as z from 'zod/mini';
import { ask, valueOf } from '../api/client.js';

const facet = z.array(z.object({ value: z.string(), events: z.number() }));
const summarySchema = z.object({
  from: z.string(),
  to: z.string(),
  buckets: z.array(z.object({ from: z.string(), allowed: z.number(), denied: z.number(), failed: z.number() })),
  events: z.number(),
  exact: z.boolean(),
  facets: z.object({
    source: facet,
    client: facet,
    subject: facet,
    action: facet,
    type: facet,
    outcome: facet,
  }),
  facets_of: z.number(),
});
export type Summary = z.infer<typeof summarySchema>;

/** How many events match, over time and by their values. */
export const summaryQuery = (query: Readonly<Record<string, string>>) =>
  queryOptions({
    queryKey: ['summary', query],
    queryFn: async ({ signal }) =>
      valueOf(await ask(summarySchema, '/events/summary', { query: { ...query, buckets: 60 }, signal })),
    placeholderData: keepPreviousData,
  });
