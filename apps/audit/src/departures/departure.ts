import { type AuditEvent } from '@countersign/audit-event';
import { z } from 'zod';

/** Whose departure can be queried: people, clients and API keys, as named in events. */
const nameSchema = z
  .string()
  .max(512)
  .regex(/^(?:person|client|api-key)\/./, 'must be person/<id>, client/<id> or api-key/<id>');
/** Maximum names in one request. */
const NAMES_LIMIT = 100;

/** `GET /events/departures`: `of`, once for each person, client or API key. */
export const departuresQuerySchema = z.strictObject({
  of: z
    .union([nameSchema.transform((name) => [name]), z.array(nameSchema).min(1).max(NAMES_LIMIT)])
    .transform((names) => [...new Set(names)]),
});
export type DeparturesQuery = z.infer<typeof departuresQuerySchema>;

/** Somebody or something that was disabled or revoked. */
export interface Departure {
  readonly resource: string;
  readonly how: 'disabled' | 'revoked';
  /** RFC 3339. */
  readonly at: string;
  /** The time of the event. */
  readonly log_index: string;
}

const typeOf = (name: string): string => `countersign.issuer.${name}.v1`;
const declared = typeOf('client.declared');
const ends: Readonly<Record<string, Departure['how'] | 'enabled'>> = {
  [typeOf('person.disabled')]: 'disabled',
  [typeOf('person.enabled')]: 'enabled',
  [typeOf('client.disabled')]: 'disabled',
  [typeOf('client.enabled')]: 'enabled',
  [typeOf('api-key.disabled')]: 'disabled',
  [typeOf('api-key.enabled')]: 'enabled',
  [typeOf('api-key.revoked')]: 'revoked',
};
/** The types of the issuer's events for a departure or a return. */
export const departureTypes: readonly string[] = [...Object.keys(ends), declared];

const declaredSchema = z.object({ after: z.object({ status: z.enum(['active', 'disabled']) }) });

/** The departure that an event reports; undefined for any other event. */
function becameOf({ source, type, data }: AuditEvent): Departure['how'] | 'enabled' | undefined {
  if (source !== 'issuer' || data.outcome !== 'allowed') return undefined;
  if (type !== declared) return Object.hasOwn(ends, type) ? ends[type] : undefined;
  const status = declaredSchema.safeParse(data.changes).data?.after.status;
  return status === 'active' ? 'enabled' : status;
}

/** Who has departed and has not returned. @param events oldest first */
export function departuresOf(
  events: readonly { readonly logIndex: bigint; readonly event: AuditEvent }[],
): readonly Departure[] {
  const departed = new Map<string, Departure>();
  for (const { logIndex, event } of events) {
    const { resource } = event.data;
    const how = becameOf(event);
    if (how === undefined || departed.get(resource)?.how === 'revoked') continue;
    if (how === 'enabled') departed.delete(resource);
    else departed.set(resource, { resource, how, at: event.time, log_index: logIndex.toString() });
  }
  return [...departed.values()];
}
