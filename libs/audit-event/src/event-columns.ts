import { type AuditEvent } from './audit-event.js';
import { traceIdOf } from './trace-context.js';

/** The columns of a table of events, in order: each with its name and how to read it from an event (undefined if the event has no such value). */
export const eventColumns: readonly (readonly [string, (event: AuditEvent) => string | null | undefined])[] = [
  ['source', ({ source }) => source],
  ['sequence', ({ sequence }) => sequence],
  ['time', ({ time }) => time],
  ['type', ({ type }) => type],
  ['subject', ({ data }) => data.principal?.subject],
  ['client', ({ data }) => data.principal?.client_id],
  ['actors', ({ data }) => data.principal?.actors.join(' ')],
  ['action', ({ data }) => data.action],
  ['resource', ({ data }) => data.resource],
  ['outcome', ({ data }) => data.outcome],
  ['reason', ({ data }) => data.reason],
  ['txn', ({ data }) => data.txn],
  ['trace', ({ traceparent }) => traceIdOf(traceparent)],
];

/** Text as a CSV cell: an apostrophe keeps a spreadsheet from treating it as a formula. */
export function plainCell(value: string | null | undefined): string {
  const text = value ?? '';
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
}
