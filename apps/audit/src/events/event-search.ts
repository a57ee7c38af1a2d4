import { type AuditEvent } from '@countersign/audit-event';
import { z } from 'zod';
import { filterShape } from './event-filter.js';

/** A position in the log: a log index, as text. */
export const cursorSchema = z.string().regex(/^(0|[1-9][0-9]{0,17})$/, 'must be a cursor from an earlier response');

/** `GET /events`: every filter narrows; newest first; `cursor` is the `next_cursor` of the previous page. */
export const eventSearchSchema = z.strictObject({
  ...filterShape,
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: cursorSchema.optional(),
});
export type EventSearch = z.infer<typeof eventSearchSchema>;

export interface FoundEvent {
  /** The 0-based position of its leaf in the log. */
  readonly log_index: string;
  readonly received_at: string;
  readonly event: AuditEvent;
}

export interface EventPage {
  readonly events: readonly FoundEvent[];
  /** Cursor of the next page; undefined at the end. A page may be shorter than its limit and still have one, if many events were scanned. */
  readonly next_cursor: string | null;
}

/** A stored event. */
export interface EventRow {
  readonly logIndex: bigint;
  readonly receivedAt: Date;
  readonly event: AuditEvent;
}

export function foundOf({ logIndex, receivedAt, event }: EventRow): FoundEvent {
  return { log_index: logIndex.toString(), received_at: receivedAt.toISOString(), event };
}
