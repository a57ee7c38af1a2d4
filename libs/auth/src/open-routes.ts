import { type INestApplicationContext } from '@nestjs/common';
import { RouteReport } from './route-report.service.js';

/**
 * For a service's own tests: fails when an open route is not listed, a listed route is not open, or a route declares nothing. `assertOpenRoutes(app,
 * ['GET /health/live', 'GET /health/ready'])`
 *
 * @param app the application, created (it need not listen)
 * @param open the routes that should be open, as named in the route report
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
    throw new Error(
      `The routes differ from what the test expects:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`,
    );
}
