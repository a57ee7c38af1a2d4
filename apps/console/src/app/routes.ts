import { accessRoute } from '../access/route.js';
import { eventRoute } from '../event/route.js';
import { healthRoute } from '../health/route.js';
import { rootRoute } from '../routing/root.js';
import { mapRoute } from '../map/route.js';
import { proofRoute } from '../proof/route.js';
import { trailRoute } from '../trail/route.js';

/** Every screen, one per line. */
export const routeTree = rootRoute.addChildren([
  trailRoute,
  eventRoute,
  mapRoute,
  proofRoute,
  accessRoute,
  healthRoute,
]);
