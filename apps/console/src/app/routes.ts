import { rootRoute } from '../routing/root.js';
import { trailRoute } from '../trail/route.js';

/** Every screen, a line each. */
export const routeTree = rootRoute.addChildren([trailRoute]);
