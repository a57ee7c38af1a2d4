import { BATCH_EVENT_LIMIT, BATCH_SIZE_LIMIT } from '@countersign/audit-client';
import {
  auditEventSchema,
  EVENT_SIZE_LIMIT,
  isStorableJson,
  storableText,
  sourceSchema,
  type AuditEvent,
} from '@countersign/audit-event';
import { leafOf, leafOfCanonical, LeafError, type Leaf } from '@countersign/merkle-log';
import { z } from 'zod';
import { publisherOf } from '../recovery/recalled-message.js';
import { plainEvent } from './fast/plain-event.js';

/** A message as received from the stream. */
export interface Incoming {
  readonly natsSubject: string;
  readonly payload: Uint8Array;
}

export interface Accepted {
  readonly kind: 'event';
  readonly event: AuditEvent;
  /** Its form in the log. */
  readonly leaf: Leaf;
}

/** A message that cannot enter the trail. If source and sequence can still be read, it keeps its place in the sequence. */
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

/** Why an event cannot be in the log. */
export function reasonOf({ code, message }: LeafError): string {
  return `${code === 'LEAF_TOO_LARGE' ? 'EVENT_TOO_LARGE' : 'EVENT_INVALID'}: ${message}`;
}

/** The leaf, or why there is none. PostgreSQL's jsonb cannot store NUL. */
function tryLeaf(event: AuditEvent): Leaf | string {
  try {
    const leaf = leafOf(event);
    return isStorableJson(leaf.json) ? leaf : 'EVENT_INVALID: PostgreSQL cannot store a NUL character';
  } catch (error) {
    if (!(error instanceof LeafError)) throw error;
    return reasonOf(error);
  }
}

/** @param place its known source and number, if they belong to its publisher */
function rejected(natsSubject: string, text: string, reason: string, place?: z.infer<typeof placeSchema>): Rejected {
  return {
    kind: 'dead-letter',
    reason: storableText(reason.slice(0, 1_000)),
    natsSubject: storableText(natsSubject),
    payload: storableText(text.slice(0, EVENT_SIZE_LIMIT)),
    source: place?.source ?? null,
    sequence: place?.sequence ?? null,
  };
}

/** Checks one event: the result is its publisher's own event in the log's format, or a dead letter with `text`. */
function inspectEvent(natsSubject: string, json: unknown, text: () => string): Accepted | Rejected {
  const publisher = publisherOf(natsSubject);
  const plain = plainEvent(json);
  if (plain !== undefined && plain.event.source === publisher && plain.canonical.length * 3 <= EVENT_SIZE_LIMIT) {
    return { kind: 'event', event: plain.event, leaf: leafOfCanonical(plain.canonical) };
  }
  const parsed = auditEventSchema.safeParse(json);
  if (parsed.success) {
    if (parsed.data.source !== publisher) return rejected(natsSubject, text(), 'EVENT_OF_ANOTHER_SERVICE');
    const leaf = tryLeaf(parsed.data);
    if (typeof leaf === 'string') return rejected(natsSubject, text(), leaf, parsed.data);
    return { kind: 'event', event: parsed.data, leaf };
  }
  const place = placeSchema.safeParse(json);
  const own = place.success && place.data.source === publisher ? place.data : undefined;
  return rejected(natsSubject, text(), `EVENT_INVALID: ${z.prettifyError(parsed.error)}`, own);
}

const decoder = new TextDecoder();

function parse(text: string): { readonly json: unknown } | undefined {
  try {
    return { json: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

/** One event of a batch; if it is nested deeper than JavaScript can write, it stays within its message's text. */
function textOf(member: unknown, whole: string): string {
  try {
    return JSON.stringify(member);
  } catch {
    return whole;
  }
}

/**
 * Checks a message on arrival: one event as a JSON object, or several as an array (a CloudEvents batch), each checked separately.
 * @returns at least one; anything that is not JSON, or a batch beyond the limits, is one dead letter
 */
export function inspectMessage({ natsSubject, payload }: Incoming): readonly (Accepted | Rejected)[] {
  const text = decoder.decode(payload);
  if (payload.length > BATCH_SIZE_LIMIT) return [rejected(natsSubject, text, 'BATCH_TOO_LARGE')];
  const parsed = parse(text);
  if (parsed === undefined) return [rejected(natsSubject, text, 'EVENT_NOT_JSON')];
  if (!Array.isArray(parsed.json)) {
    if (payload.length > EVENT_SIZE_LIMIT) return [rejected(natsSubject, text, 'EVENT_TOO_LARGE')];
    return [inspectEvent(natsSubject, parsed.json, () => text)];
  }
  const members: readonly unknown[] = parsed.json;
  if (members.length === 0) return [rejected(natsSubject, text, 'BATCH_EMPTY')];
  if (members.length > BATCH_EVENT_LIMIT) return [rejected(natsSubject, text, 'BATCH_TOO_LARGE')];
  return members.map((member) => inspectEvent(natsSubject, member, () => textOf(member, text)));
}

/** Checks a dead letter again. @param text its stored text, an event */
export function inspectAgain(natsSubject: string, text: string): Accepted | Rejected {
  const parsed = parse(text);
  if (parsed === undefined) return rejected(natsSubject, text, 'EVENT_NOT_JSON');
  return inspectEvent(natsSubject, parsed.json, () => text);
}
