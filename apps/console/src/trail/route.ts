import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { rootRoute } from '../routing/root.js';
import { filtersOf, trailSearchOf } from '../filters/trail-search.js';

export const trailRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/',
  validateSearch: trailSearchOf,
  loaderDeps: ({ search }) => filtersOf(search),
  // Relative times count from this moment, until somebody looks again: else each page would be of another one.
  loader: () => Date.now(),
  // Who comes back from an event finds the same rows.
  staleTime: 300_000,
  component: lazyRouteComponent(() => import('./trail.js'), 'Trail'),
});
