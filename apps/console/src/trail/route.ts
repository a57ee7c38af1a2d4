import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { sessionQuery } from '../api/session.js';
import { filtersOf, trailSearchOf } from '../filters/trail-search.js';
import { rootRoute } from '../routing/root.js';
import { pagesQuery } from './pages-query.js';
import { serverQueryOf } from '../filters/server-query.js';

export const trailRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/',
  validateSearch: trailSearchOf,
  loaderDeps: ({ search }) => filtersOf(search),
  // Relative times count from this moment until the next search: otherwise each page would have a different one.
  loader: ({ context: { queries }, deps, cause }) => {
    const moment = Date.now();
    // The first page loads together with the screen. It is loaded only on demand, because each read is recorded.
    if (cause !== 'preload')
      void queries
        .ensureQueryData(sessionQuery)
        .then((session) => session && queries.prefetchInfiniteQuery(pagesQuery(serverQueryOf(deps, moment))))
        .catch(() => undefined);
    return moment;
  },
  // Returning from an event shows the same rows.
  staleTime: 300_000,
  component: lazyRouteComponent(() => import('./trail.js'), 'Trail'),
});
