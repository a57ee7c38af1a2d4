import { eventFilters, traceIdOf, type AuditEvent } from '@countersign/audit-event';
import { isWithin, type Reach } from '@countersign/auth-core';
import { timeBoundSchema } from '@countersign/service-host';
import { z } from 'zod';
import { type Clause } from '../postings/postings.store.js';
import { textOf, wordsOf } from './event-words.js';

const bound = timeBoundSchema.transform((time) => time.toISOString());
const text = z.string().min(1).max(512).optional();
const uuidAtEnd = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** A resource as events name it, `<kind>/<id>`: a UUID is the same in upper case. */
const resource = z
  .string()
  .min(1)
  .max(512)
  .transform((said) => said.replace(uuidAtEnd, (id) => id.toLowerCase()))
  .optional();

/** What narrows a search, an export or a tail. Each filter narrows further. Times are RFC 3339. */
export const filterShape = {
  /** The principal's subject. */
  subject: text,
  /** Anyone in the chain of actors. */
  actor: text,
  client: text,
  /** The id of the API key that was used. */
  api_key: text,
  action: text,
  resource,
  outcome: z.enum(['allowed', 'denied', 'failed']).optional(),
  source: text,
  type: text,
  trace: z
    .string()
    .toLowerCase()
    .regex(/^[0-9a-f]{32}$/, 'must be a W3C trace id: 32 lowercase hexadecimal digits')
    .optional(),
  txn: text,
  /** Free text: every word must occur in resource, action, subject, client, reason, route or the texts of `changes`. */
  q: z
    .string()
    .max(256)
    .refine((said) => wordsOf(said).length > 0 && wordsOf(said).length <= 8, 'must contain one to eight words')
    .optional(),
  /** From this time on. */
  from: bound.optional(),
  /** Before this time. */
  to: bound.optional(),
} as const;
export type EventFilter = z.infer<z.ZodObject<typeof filterShape>>;

/** Whose events a caller may see: all, or those within its reach. */
export type Visibility = 'all' | Reach;

/** The query, and what of it the caller may see. */
export interface EventQuery {
  readonly filter: EventFilter;
  readonly visibility: Visibility;
}

/** The query as clauses of the search index; time is not in them. */
export function clausesOf({ filter, visibility }: EventQuery): readonly Clause[] {
  const named = eventFilters.flatMap((field): Clause[] => {
    const value = filter[field];
    return value === undefined ? [] : [[{ field, value }]];
  });
  const words = [...new Set(wordsOf(filter.q ?? ''))].map((value): Clause => [{ field: 'word', value }]);
  const own: Clause[] =
    visibility === 'all'
      ? []
      : [
          [
            { field: 'subject', value: visibility.subject },
            ...(visibility.clientId === undefined ? [] : [{ field: 'client', value: visibility.clientId }]),
          ],
        ];
  return [...named, ...words, ...own];
}

/** The query as a rule for one event, for live tails. */
export function matches(event: AuditEvent, { filter, visibility }: EventQuery): boolean {
  const { principal, action, resource, outcome, txn } = event.data;
  const time = Date.parse(event.time);
  const is = (wanted: string | undefined, value: string | null | undefined): boolean =>
    wanted === undefined || wanted === value;
  const words = filter.q === undefined ? [] : wordsOf(filter.q);
  const said = words.length === 0 ? new Set<string>() : new Set(wordsOf(textOf(event)));
  return (
    is(filter.subject, principal?.subject) &&
    (filter.actor === undefined || principal?.actors.includes(filter.actor) === true) &&
    is(filter.client, principal?.client_id) &&
    is(filter.api_key, principal?.api_key?.id) &&
    is(filter.action, action) &&
    is(filter.resource, resource) &&
    is(filter.outcome, outcome) &&
    is(filter.source, event.source) &&
    is(filter.type, event.type) &&
    is(filter.trace, traceIdOf(event.traceparent)) &&
    is(filter.txn, txn) &&
    (filter.from === undefined || time >= Date.parse(filter.from)) &&
    (filter.to === undefined || time < Date.parse(filter.to)) &&
    words.every((word) => said.has(word)) &&
    (visibility === 'all' ||
      (principal !== null && isWithin(visibility, { subject: principal.subject, clientId: principal.client_id })))
  );
}
