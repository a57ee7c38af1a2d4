import { infiniteQueryOptions } from '@tanstack/react-query';
import { ask, valueOf } from '../api/client.js';
import { eventPageSchema } from '../api/events.js';

/** Events per page. */
const PAGE = 100;

/** The pages of a search, newest first. */
export const pagesQuery = (query: Readonly<Record<string, string>>) =>
  infiniteQueryOptions({
    queryKey: ['events', query],
    queryFn: async ({ pageParam, signal }) =>
      valueOf(await ask(eventPageSchema, '/events', { query: { ...query, limit: PAGE, cursor: pageParam }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next_cursor: next }) => next ?? undefined,
  });
