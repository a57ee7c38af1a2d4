import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { rootRoute } from '../routing/root.js';
import { accessSearchOf } from './access-search.js';

export const accessRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/access',
  validateSearch: accessSearchOf,
  component: lazyRouteComponent(() => import('./access.js'), 'Access'),
});
