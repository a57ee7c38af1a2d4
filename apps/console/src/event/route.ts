import { createRoute, lazyRouteComponent } from '@tanstack/react-router';
import { rootRoute } from '../routing/root.js';

/** One event, by its place in the log: an address that stays valid forever. */
export const eventRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/event/$index',
  component: lazyRouteComponent(() => import('./event.js'), 'Event'),
});
