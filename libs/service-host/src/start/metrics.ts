import { setTimeout as delay } from 'node:timers/promises';
import { collectDefaultMetrics, Histogram, Registry } from 'prom-client';

/** Milliseconds until the event loop's lag has been measured a few times; it is measured every ten. */
const FIRST_LAGS_MS = 50;

/** The service's own registry, with a `service` label on each metric. */
export function createMetrics(service: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  return registry;
}

/** Adds the process's default metrics. From then on Node wakes a hundred times a second, a fifth of the cost of an idle service. */
export async function measureProcess(registry: Registry): Promise<void> {
  collectDefaultMetrics({ register: registry });
  await delay(FIRST_LAGS_MS);
}

/** Seconds per request, by method, route pattern and status. */
export function requestDurations(registry: Registry): Histogram<'method' | 'route' | 'status'> {
  return new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Seconds from request to response.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers: [registry],
  });
}
