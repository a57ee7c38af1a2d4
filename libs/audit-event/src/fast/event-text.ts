import { notStorable, withEnvelope, type EventParts } from '../audit-event.js';
import { isStorableJson } from '../storable-json.js';

/**
 * The JSON of {@link completeEvent}, not held to the schema: for events of which a spec shows that they fit it, whatever is in them. It saves 6.9 of
 * 9 µs, 3 to 4 % of an issued token.
 * @throws {AuditEventError} `EVENT_INVALID` for text that PostgreSQL cannot keep
 */
export function eventText(event: EventParts, id: string, source: string, now: Date): string {
  const text = JSON.stringify(withEnvelope(event, id, source, now));
  if (!isStorableJson(text)) throw notStorable();
  return text;
}
