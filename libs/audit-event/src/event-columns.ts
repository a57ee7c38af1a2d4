import { type AuditEvent } from './audit-event.js';

/** What of an event stands in the columns of a table, in their order: names, and how each is read from an event. Nothing where it has no such value. */
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
  ['trace', ({ traceparent }) => traceparent?.split('-')[1]],
];

/** A text as a cell of CSV holds it: what a spreadsheet would take for a formula is made text by an apostrophe. */
export function plainCell(value: string | null | undefined): string {
  const text = value ?? '';
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
}
