import { QueryClient } from '@tanstack/react-query';
import { createRouter } from '@tanstack/react-router';
import { onSignedOut } from '../api/client.js';
import { ApiProblem } from '../api/problem.js';
import { sessionQuery } from '../api/session.js';
import { rootRoute } from '../routing/root.js';
import { parseSearch, stringifySearch } from '../routing/search-text.js';
import { forgetAtNewPerson } from './one-person.js';
import { routeTree } from './routes.js';
import { NotFound, ScreenFailed, ScreenLoading, Shell, ShellFailed } from './shell.js';

/** Retries only what may succeed next time, not what the server refused. */
function shouldRetry(times: number, error: Error): boolean {
  return times < 2 && !(error instanceof ApiProblem && error.status >= 400 && error.status < 500);
}

export const queries = new QueryClient({
  defaultOptions: { queries: { retry: shouldRetry, staleTime: 10_000, refetchOnWindowFocus: false } },
});

forgetAtNewPerson(queries);

// After any refusal, the shell checks whether anybody is signed in.
onSignedOut(() => void queries.invalidateQueries({ queryKey: sessionQuery.queryKey }));

rootRoute.update({ component: Shell, notFoundComponent: NotFound, errorComponent: ShellFailed });
export const router = createRouter({
  routeTree,
  context: { queries },
  parseSearch,
  stringifySearch,
  defaultPendingComponent: ScreenLoading,
  defaultErrorComponent: ScreenFailed,
  defaultPreload: 'intent',
  defaultPreloadStaleTime: 0,
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
