import { defineEvents } from '@countersign/audit-event';

/** Events that every service records: refusals by its guard, or by a route itself. */
export function hostEvents(source: string) {
  return defineEvents({
    source,
    kinds: { route: 'method and pattern of an HTTP route, or `NATS` and the pattern of a message handler' },
    events: {
      'request.refused': {
        when: 'The guard, or the route itself, refused a verified caller.',
        action: 'route:call',
        resource: 'route',
      },
      'requests.refused': {
        when: 'The guard, or the route itself, refused unverified callers: the first per code, route and network is recorded immediately, later ones once a minute with their count.',
        action: 'route:call',
        resource: 'route',
        principal: 'never',
        changes: {
          count: 'how many',
          first: 'time of the first',
          last: 'time of the last',
          api_key: 'of an API key that was used too often: its id',
        },
      },
    },
  });
}
