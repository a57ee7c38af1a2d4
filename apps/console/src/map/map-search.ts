import * as z from 'zod/mini';

/** Periods that are chosen by one press, in hours. */
export const periods = [
  { name: 'day', title: 'Last day', hours: 24 },
  { name: 'week', title: 'Last week', hours: 7 * 24 },
  { name: 'month', title: 'Last 30 days', hours: 30 * 24 },
] as const;

const time = z.catch(z.optional(z.iso.datetime({ offset: true })), undefined);
const searchSchema = z.object({
  last: z.catch(z.optional(z.enum(['day', 'week', 'month'])), undefined),
  from: time,
  to: time,
});
/** What a map's address says: a period that moves on, or two times. */
export type MapSearch = z.infer<typeof searchSchema>;

/** Reads an address; what it says wrongly is left out. */
export function mapSearchOf(search: Readonly<Record<string, unknown>>): MapSearch {
  return z.parse(searchSchema, search);
}

/** The times that are asked for. */
export function boundsOf({ last, from, to }: MapSearch, now: Date): { readonly from?: string; readonly to?: string } {
  const period = periods.find(({ name }) => name === last);
  if (period !== undefined) return { from: new Date(now.getTime() - period.hours * 3_600_000).toISOString() };
  return { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
}
