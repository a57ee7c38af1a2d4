import { queryOptions } from '@tanstack/react-query';
import * as z from 'zod/mini';
import { ask, valueOf } from '../api/client.js';
import { AskedTogether } from './asked-together.js';
import { type Departure } from './departures.js';

/** Names per request; the server accepts 100. */
const LIMIT = 50;
const departuresSchema = z.object({
  departures: z.array(z.object({ resource: z.string(), how: z.enum(['disabled', 'revoked']), at: z.string() })),
});

const together = new AskedTogether<Departure>(LIMIT, async (names) => {
  const { departures } = valueOf(await ask(departuresSchema, '/events/departures', { query: { of: names } }));
  return new Map(departures.map((one) => [one.resource, one]));
});

/** How a person, client or API key departed; null if it has not. */
export const departedQuery = (name: string) =>
  queryOptions({
    queryKey: ['departed', name],
    staleTime: 300_000,
    queryFn: async (): Promise<Departure | null> => (await together.ask(name)) ?? null,
  });
