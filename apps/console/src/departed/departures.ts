import { type FoundEvent, type Principal } from '../api/events.js';

/** How an actor ended: from then on it gets and does nothing. */
export interface Departure {
  readonly how: 'disabled' | 'revoked';
  /** RFC 3339. */
  readonly at: string;
  /** The event that says so, by log index. */
  readonly index: string;
}

/** Who has departed, by resource: `person/<id>`, `client/<id>`, `api-key/<id>`. */
export type Departures = ReadonlyMap<string, Departure>;

const ends: Readonly<Record<string, Departure['how'] | 'enabled'>> = {
  'person:disable': 'disabled',
  'person:enable': 'enabled',
  'client:disable': 'disabled',
  'client:enable': 'enabled',
  'api-key:disable': 'disabled',
  'api-key:enable': 'enabled',
  'api-key:revoke': 'revoked',
};

/** Who has departed and has not come back, by what the issuer recorded, in whatever order it is given. */
export function departuresOf(events: readonly FoundEvent[]): Departures {
  const departed = new Map<string, Departure>();
  const ordered = [...events].sort((one, other) => (BigInt(one.log_index) < BigInt(other.log_index) ? -1 : 1));
  for (const { log_index: index, event } of ordered) {
    const { action, resource, outcome } = event.data;
    const how =
      Object.hasOwn(ends, action) && event.source === 'issuer' && outcome === 'allowed' ? ends[action] : undefined;
    if (how === undefined || departed.get(resource)?.how === 'revoked') continue;
    if (how === 'enabled') departed.delete(resource);
    else departed.set(resource, { how, at: event.time, index });
  }
  return departed;
}

/** The departure of anybody by whom something was done: the key, the subject, the client, those who acted. */
export function departureOf(
  { subject, client_id: client, actors, api_key: key }: Principal,
  departures: Departures,
): Departure | undefined {
  const names = [
    ...(key === undefined ? [] : [`api-key/${key.id}`]),
    `person/${subject}`,
    ...[subject, client, ...actors].map((name) => `client/${name}`),
  ];
  return names.map((name) => departures.get(name)).find((found) => found !== undefined);
}
