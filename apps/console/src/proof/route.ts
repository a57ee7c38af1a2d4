import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { rootRoute } from '../routing/root.js';
import { proofSearchOf } from './proof-search.js';

export const proofRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/proof',
  validateSearch: proofSearchOf,
  component: lazyRouteComponent(() => import('./proof.js'), 'Proof'),
});
