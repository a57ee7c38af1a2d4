import { type ServiceName, type Stack } from '@countersign/stack';

/** Which requests are counted: all of a service's, or those of a route or a status. */
export interface RequestFilter {
  readonly route?: string;
  readonly status?: number;
}

const COUNT = /^http_request_duration_seconds_count\{(.*)\} (\d+)$/gm;

/** Requests that a service reports as answered since it started. @throws when its metrics are not available */
export async function answeredRequests(
  { urls }: Stack,
  service: ServiceName,
  { route, status }: RequestFilter,
): Promise<number> {
  const response = await fetch(`${urls[service]}/metrics`);
  if (!response.ok) throw new Error(`the metrics of ${service} were answered with ${String(response.status)}`);
  const wanted = [
    ...(route === undefined ? [] : [`route="${route}"`]),
    ...(status === undefined ? [] : [`status="${String(status)}"`]),
  ];
  return [...(await response.text()).matchAll(COUNT)]
    .filter(([, labels = '']) => wanted.every((label) => labels.split(',').includes(label)))
    .reduce((sum, [, , count]) => sum + Number(count), 0);
}
