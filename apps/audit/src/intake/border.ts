import {
  auditEventSchema,
  EVENT_SIZE_LIMIT,
  isStorableJson,
  sourceSchema,
  type AuditEvent,
} from '@countersign/audit-client';
import { leafOf, LeafError, type Leaf } from '@countersign/merkle-log';
import { z } from 'zod';

/** A message as it came from the stream. */
export interface Incoming {
  readonly natsSubject: string;
  readonly payload: Uint8Array;
}

export interface Accepted {
  readonly kind: 'event';
  readonly event: AuditEvent;
  /** What the log will hold of it. */
  readonly leaf: Leaf;
}

/** What no trail can take. Where source and sequence can still be read, it keeps its place in the sequence. */
export interface Rejected {
  readonly kind: 'dead-letter';
  readonly reason: string;
  readonly natsSubject: string;
  readonly payload: string;
  readonly source: string | null;
  readonly sequence: string | null;
}

const placeSchema = z.object({
  source: sourceSchema,
  sequence: z.string().regex(/^[1-9][0-9]{0,17}$/),
});

/** The service that the subject belongs to: the server lets each service publish under its own name only. */
function publisherOf(natsSubject: string): string | undefined {
  return natsSubject.split('.')[1];
}

/** The leaf, or why there is none. PostgreSQL's jsonb holds no NUL. */
function tryLeaf(event: AuditEvent): Leaf | string {
  try {
    const leaf = leafOf(event);
    return isStorableJson(leaf.json) ? leaf : 'EVENT_INVALID: PostgreSQL stores no NUL character';
  } catch (error) {
    if (error instanceof LeafError) return `EVENT_INVALID: ${error.message}`;
    throw error;
  }
}

/** Checks one message at the border: an event of its publisher's own, in the shape that the log takes, or a dead letter. */
export function inspect({ natsSubject, payload }: Incoming): Accepted | Rejected {
  const text = new TextDecoder().decode(payload);
  const reject = (reason: string, place?: z.infer<typeof placeSchema>): Rejected => ({
    kind: 'dead-letter',
    reason: reason.slice(0, 1_000),
    natsSubject,
    // PostgreSQL text holds no NUL.
    payload: text.slice(0, EVENT_SIZE_LIMIT).replaceAll('\u0000', '\uFFFD'),
    source: place?.source ?? null,
    sequence: place?.sequence ?? null,
  });
  if (payload.length > EVENT_SIZE_LIMIT) return reject('EVENT_TOO_LARGE');
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return reject('EVENT_NOT_JSON');
  }
  const parsed = auditEventSchema.safeParse(json);
  const publisher = publisherOf(natsSubject);
  if (parsed.success) {
    if (parsed.data.source !== publisher) return reject('EVENT_OF_ANOTHER_SERVICE');
    const leaf = tryLeaf(parsed.data);
    return typeof leaf === 'string' ? reject(leaf, parsed.data) : { kind: 'event', event: parsed.data, leaf };
  }
  const place = placeSchema.safeParse(json);
  const own = place.success && place.data.source === publisher ? place.data : undefined;
  return reject(`EVENT_INVALID: ${z.prettifyError(parsed.error)}`, own);
}

/** The trace id of a `traceparent` (W3C Trace Context). */
export function traceIdOf(traceparent: string | undefined): string | null {
  return traceparent?.split('-')[1] ?? null;
}
