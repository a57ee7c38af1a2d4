import { type AuditEvent } from '@countersign/audit-client';
import { and, arrayContains, eq, gte, lt, type SQL } from 'drizzle-orm';
import { z } from 'zod';
import { eventTable } from './events.tables.js';

const text = z.string().min(1).max(512).optional();

/** `GET /events`: every filter narrows; newest first; `cursor` is the `next_cursor` of the page before. Times are RFC 3339. */
export const eventSearchSchema = z.strictObject({
  /** Whom it is about: the subject of the principal. */
  subject: text,
  /** Anyone in the chain of actors. */
  actor: text,
  client: text,
  action: text,
  resource: text,
  outcome: z.enum(['allowed', 'denied', 'failed']).optional(),
  source: text,
  type: text,
  trace: z
    .string()
    .regex(/^[0-9a-f]{32}$/, 'a W3C trace id: 32 hexadecimal digits')
    .optional(),
  txn: text,
  from: z.iso.datetime({ offset: true }).optional(),
  to: z.iso.datetime({ offset: true }).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z
    .string()
    .regex(/^[1-9][0-9]{0,17}$/, 'a next_cursor of an earlier page')
    .optional(),
});
export type EventSearch = z.infer<typeof eventSearchSchema>;

/** The search as SQL conditions; each meets an index that ends in the log index, so a page costs the same at any size. */
export function conditionsOf(search: EventSearch): SQL | undefined {
  const is = <Value>(value: Value | undefined, condition: (value: Value) => SQL): SQL | undefined =>
    value === undefined ? undefined : condition(value);
  return and(
    is(search.subject, (value) => eq(eventTable.subject, value)),
    is(search.actor, (value) => arrayContains(eventTable.actors, [value])),
    is(search.client, (value) => eq(eventTable.clientId, value)),
    is(search.action, (value) => eq(eventTable.action, value)),
    is(search.resource, (value) => eq(eventTable.resource, value)),
    is(search.outcome, (value) => eq(eventTable.outcome, value)),
    is(search.source, (value) => eq(eventTable.source, value)),
    is(search.type, (value) => eq(eventTable.type, value)),
    is(search.trace, (value) => eq(eventTable.traceId, value)),
    is(search.txn, (value) => eq(eventTable.txn, value)),
    is(search.from, (value) => gte(eventTable.time, new Date(value))),
    is(search.to, (value) => lt(eventTable.time, new Date(value))),
    is(search.cursor, (value) => lt(eventTable.logIndex, BigInt(value))),
  );
}

export interface FoundEvent {
  /** The 0-based position of its leaf in the log. */
  readonly log_index: string;
  readonly received_at: string;
  readonly event: AuditEvent;
}

export interface EventPage {
  readonly events: readonly FoundEvent[];
  readonly next_cursor: string | null;
}

interface Row {
  readonly logIndex: bigint;
  readonly receivedAt: Date;
  readonly event: AuditEvent;
}

export function foundOf({ logIndex, receivedAt, event }: Row): FoundEvent {
  return { log_index: logIndex.toString(), received_at: receivedAt.toISOString(), event };
}

/** @param rows one more than the page holds, when another page follows */
export function pageOf(rows: readonly Row[], limit: number): EventPage {
  const events = rows.slice(0, limit).map(foundOf);
  return { events, next_cursor: rows.length > limit ? (events.at(-1)?.log_index ?? null) : null };
}
