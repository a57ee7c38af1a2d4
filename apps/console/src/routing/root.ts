import { createRootRouteWithContext } from '@tanstack/react-router';
import { type QueryClient } from '@tanstack/react-query';

/** What every screen's route may use before it renders. */
export interface RoutingContext {
  readonly queries: QueryClient;
}

/** The parent of every screen's route. The shell around them is given to it in `app/`. */
export const rootRoute = createRootRouteWithContext<RoutingContext>()();
