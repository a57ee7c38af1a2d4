import { type Command } from 'commander';
import { z } from 'zod';
import { table } from '../output.js';
import { callAdmin } from '../session/admin.js';
import { openSession } from '../session/session.js';
import { secondsOf } from './duration.js';
import { sparkline } from './sparkline.js';

const usageSchema = z.object({
  api_key_id: z.string(),
  from: z.string(),
  to: z.string(),
  uses: z.array(
    z.object({
      hour: z.string(),
      audience: z.string(),
      route_class: z.string(),
      outcome: z.enum(['allowed', 'denied', 'limited']),
      count: z.number(),
    }),
  ),
  totals: z.object({ allowed: z.number(), denied: z.number(), limited: z.number() }),
});
type Usage = z.infer<typeof usageSchema>;

const HOUR_MS = 3_600_000;
/** Hours beyond which the line has one bar per day. */
const HOURS_SHOWN = 72;

/** Requests per hour, or per day for a longer period, including those without any. */
export function countsOf({ from, to, uses }: Pick<Usage, 'from' | 'to' | 'uses'>): readonly number[] {
  const [start, end] = [Date.parse(from), Date.parse(to)];
  const span = end - start > HOURS_SHOWN * HOUR_MS ? 24 * HOUR_MS : HOUR_MS;
  const first = Math.floor(start / span);
  const counts = Array.from({ length: Math.floor((end - 1) / span) - first + 1 }, () => 0);
  for (const { hour, count } of uses) {
    const place = Math.floor(Date.parse(hour) / span) - first;
    counts[place] = (counts[place] ?? 0) + count;
  }
  return counts;
}

/** One line for each audience, route class and outcome. */
function rowsOf(uses: Usage['uses']): readonly (readonly string[])[] {
  const sums = new Map<string, { readonly cells: readonly string[]; count: number }>();
  for (const { audience, route_class: routeClass, outcome, count } of uses) {
    const cells = [audience, routeClass, outcome];
    const sum = sums.get(cells.join(' ')) ?? { cells, count: 0 };
    sum.count += count;
    sums.set(cells.join(' '), sum);
  }
  return [...sums.values()].map(({ cells, count }) => [...cells, String(count)]);
}

export async function showUsage(id: string, { since }: { since: string }, command: Command): Promise<void> {
  const session = openSession(command);
  const to = new Date();
  const from = new Date(to.getTime() - secondsOf(since, '--since') * 1_000);
  const query = new URLSearchParams({ from: from.toISOString(), to: to.toISOString() });
  const path = `/admin/api-keys/${encodeURIComponent(id)}/usage?${query.toString()}`;
  const usage = await callAdmin(session, usageSchema, { path });
  const { allowed, denied, limited } = usage.totals;
  const totals = `${String(allowed)} allowed, ${String(denied)} denied, ${String(limited)} limited`;
  const rows = table(['audience', 'class', 'outcome', 'requests'], rowsOf(usage.uses), 'not used');
  session.output.result({ ok: true, ...usage }, `${sparkline(countsOf(usage))}  ${totals}\n\n${rows}`);
}
