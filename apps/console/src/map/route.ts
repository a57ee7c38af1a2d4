import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { rootRoute } from '../routing/root.js';
import { mapSearchOf } from './map-search.js';

export const mapRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/map',
  validateSearch: mapSearchOf,
  component: lazyRouteComponent(() => import('./map.js'), 'WhoCallsWhom'),
});
