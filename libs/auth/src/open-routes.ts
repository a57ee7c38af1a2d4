import { type INestApplicationContext } from '@nestjs/common';
import { RouteReport } from './route-report.js';

/**
 * For a service's own tests: fails when a route is open that the test does not name, is named but not open, or declares nothing.
 * `assertOpenRoutes(app, ['GET /health/live', 'GET /health/ready'])`
 *
 * @param app the application, created (it need not listen)
 * @param open the routes that are meant to be open, as the route report names them
 * @throws {Error} naming each route at fault
 */
export function assertOpenRoutes(app: INestApplicationContext, open: readonly string[]): void {
  const routes = app.get(RouteReport, { strict: false }).routes();
  const isOpen = new Set(routes.filter(({ needs }) => needs?.public === true).map(({ name }) => name));
  const faults = [
    ...routes
      .filter(({ name, needs }) => needs?.public === true && !open.includes(name))
      .map(({ name, handler }) => `${name} (${handler}) is open`),
    ...routes
      .filter(({ needs }) => needs === undefined)
      .map(({ name, handler }) => `${name} (${handler}) declares nothing, so it refuses everybody`),
    ...open.filter((name) => !isOpen.has(name)).map((name) => `${name} is not an open route`),
  ];
  if (faults.length > 0)
    throw new Error(`Routes are not as the test says:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`);
}
