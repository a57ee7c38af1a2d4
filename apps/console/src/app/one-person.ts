import { type QueryClient } from '@tanstack/react-query';
import { sessionQuery } from '../api/session.js';

/**
 * Discards data loaded for one person as soon as another is signed in, for example in another tab, which shares the session cookie.
 * @returns a function that ends it
 */
export function forgetAtNewPerson(queries: QueryClient): () => void {
  const [key] = sessionQuery.queryKey;
  let last: string | undefined;
  return queries.getQueryCache().subscribe(({ query }) => {
    if (query.queryKey[0] !== key) return;
    const now = queries.getQueryData(sessionQuery.queryKey)?.person.id;
    if (now === undefined || now === last) return;
    const isAnother = last !== undefined;
    last = now;
    if (isAnother) void queries.resetQueries({ predicate: ({ queryKey }) => queryKey[0] !== key });
  });
}
