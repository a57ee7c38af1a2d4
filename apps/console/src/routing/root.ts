import { createRootRouteWithContext } from '@tanstack/react-router';
import { type QueryClient } from '@tanstack/react-query';

/** The context of every screen's route before it renders. */
export interface RoutingContext {
  readonly queries: QueryClient;
}

/** The parent of every screen's route. The shell around them is given to it in `app/`. */
export const rootRoute = createRootRouteWithContext<RoutingContext>()();
