import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { rootRoute } from '../routing/root.js';
import { trailSearchOf } from './trail-search.js';

export const trailRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/',
  validateSearch: trailSearchOf,
  component: lazyRouteComponent(() => import('./trail.js'), 'Trail'),
});
