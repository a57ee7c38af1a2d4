import { eventFilters } from '@countersign/audit-event';
import * as z from 'zod/mini';
import { outcomes } from '../api/events.js';
import { parseTime } from './time-range.js';

const LIMIT = 512;
const text = z.catch(z.optional(z.string().check(z.minLength(1), z.maxLength(LIMIT))), undefined);

const time = z.catch(
  z.optional(
    z.string().check(
      z.maxLength(LIMIT),
      z.refine((said) => parseTime(said, 0) !== undefined),
    ),
  ),
  undefined,
);

/** The server's filters. Invalid URL parameters are ignored, so that no URL breaks the page. */
const fields = {
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
  outcome: z.catch(z.optional(z.enum(outcomes)), undefined),
} satisfies Record<(typeof eventFilters)[number], unknown>;
const searchSchema = z.object({
  ...fields,
  q: text,
  from: time,
  to: time,
  /** Which columns, separated by commas. */
  columns: text,
  /** Whether new events appear by themselves. */
  live: z.catch(z.optional(z.literal('1')), undefined),
});
/** A trail's URL parameters. */
export type TrailSearch = z.infer<typeof searchSchema>;

/** Reads an address. */
export function trailSearchOf(search: Readonly<Record<string, unknown>>): TrailSearch {
  return z.parse(searchSchema, search);
}

/** The URL parameters that filter the results; the rest only affect how they are shown. */
export function filtersOf(search: TrailSearch): TrailSearch {
  return { ...search, columns: undefined, live: undefined };
}

/** The filters that are set, in the page's order; the words last. */
export function setFilters(
  search: TrailSearch,
): readonly { readonly name: (typeof eventFilters)[number] | 'q'; readonly value: string }[] {
  return [...eventFilters, 'q' as const].flatMap((name) => {
    const value = search[name];
    return value === undefined ? [] : [{ name, value }];
  });
}
