import { z } from 'zod';
import { filterShape } from './event-filter.js';
import { cursorSchema, foundOf, type EventRow } from './event-search.js';

/** `GET /events/tail`: `cursor`, or the header `Last-Event-ID`, is the log index after which it starts; without one, only new events. */
export const eventTailSchema = z
  .strictObject(filterShape)
  .omit({ from: true, to: true })
  .extend({ cursor: cursorSchema.optional() });
export type EventTail = z.infer<typeof eventTailSchema>;

/** Why a tail ends: the reader resumes with `Last-Event-ID`, and with a new token if the old one has expired. */
export type TailEnd = 'TOKEN_ENDED' | 'SHUTTING_DOWN';

/** An event as a server-sent event; its id is the log index. */
export function messageOf(row: EventRow): string {
  return `id: ${row.logIndex.toString()}\nevent: event\ndata: ${JSON.stringify(foundOf(row))}\n\n`;
}
export const heartbeat = ': heartbeat\n\n';
/** Events that retention sealed before they were read: the tail continues after them. Both ends are inclusive. */
export function sealedOf(first: bigint, last: bigint): string {
  const [from, to] = [first.toString(), last.toString()];
  return `id: ${to}\nevent: sealed\ndata: ${JSON.stringify({ first_index: from, last_index: to })}\n\n`;
}
export type TailFault = 'CURSOR_BEYOND_END';
/** An error after the response has started; the reader must not retry with the same `Last-Event-ID`. */
export function faultOf(code: TailFault, detail: string): string {
  return `event: error\ndata: ${JSON.stringify({ code, detail })}\n\n`;
}
export function endOf(code: TailEnd): string {
  return `event: end\ndata: ${JSON.stringify({ code })}\n\n`;
}
