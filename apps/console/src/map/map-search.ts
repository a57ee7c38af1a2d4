import * as z from 'zod/mini';

/** Periods with their own button, in hours. */
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
/** A map's URL parameters: a sliding period, or two times. */
export type MapSearch = z.infer<typeof searchSchema>;

/** Parses the URL parameters; invalid ones are ignored. */
export function mapSearchOf(search: Readonly<Record<string, unknown>>): MapSearch {
  return z.parse(searchSchema, search);
}

/** The requested times. */
export function boundsOf({ last, from, to }: MapSearch, now: Date): { readonly from?: string; readonly to?: string } {
  const period = periods.find(({ name }) => name === last);
  if (period !== undefined) return { from: new Date(now.getTime() - period.hours * 3_600_000).toISOString() };
  return { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
}
