import * as z from 'zod/mini';
import { outcomes } from '../api/events.js';

/** The filters that the server takes as text, in the order in which the page shows them. */
export const textFilters = [
  'subject',
  'actor',
  'client',
  'api_key',
  'action',
  'resource',
  'source',
  'type',
  'trace',
  'txn',
] as const;
export type TextFilter = (typeof textFilters)[number];

const LIMIT = 512;
const text = z.catch(z.optional(z.string().check(z.minLength(1), z.maxLength(LIMIT))), undefined);

/** What a trail's address says. What it says wrongly is left out, so that no address breaks the page. */
const searchSchema = z.object({
  subject: text,
  actor: text,
  client: text,
  api_key: text,
  action: text,
  resource: text,
  source: text,
  type: text,
  trace: text,
  txn: text,
  q: text,
  outcome: z.catch(z.optional(z.enum(outcomes)), undefined),
  from: text,
  to: text,
  /** Which columns, separated by commas. */
  columns: text,
  /** Whether new events appear by themselves. */
  live: z.catch(z.optional(z.literal('1')), undefined),
});
export type TrailSearch = z.infer<typeof searchSchema>;

/** Reads an address. */
export function trailSearchOf(search: Readonly<Record<string, unknown>>): TrailSearch {
  return z.parse(searchSchema, search);
}

/** What of an address narrows what is found; the rest is only how it is shown. */
export function filtersOf(search: TrailSearch): TrailSearch {
  return { ...search, columns: undefined, live: undefined };
}
