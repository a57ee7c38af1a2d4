import { type BenchmarkContext, type Metric } from '../benchmark.js';
import { interleave } from '../rounds.js';
import { median } from '../statistics.js';
import { fillLog, timeOfSample } from './sample-events.js';
import { fullPages, sparsePages } from './search-queries.js';
import { startTrail, type Trail } from './trail.js';

const SMALL = 10_000;
const MIDDLE = 1_000_000;
const TEN_MILLION = 10_000_000;
/** Steps of the index that may be missing at its end. */
const STEP = 2_048;
/** Pages of one query in one round. */
const PAGES = 5;

/** Ten million, unless `BENCH_AUDIT_EVENTS` says less; filling stops after `BENCH_AUDIT_FILL_SECONDS`, 900 by default. */
const LARGE = Number(process.env['BENCH_AUDIT_EVENTS'] ?? TEN_MILLION);
const FILL_SECONDS = Number(process.env['BENCH_AUDIT_FILL_SECONDS'] ?? 900);

async function pageTime(trail: Trail, query: string): Promise<number> {
  const times: number[] = [];
  for (let page = 0; page < PAGES; page += 1) times.push((await trail.page(query)).ms);
  return median(times);
}

/** A page of 50 at ten thousand events and at as many as the machine holds, in turn; each over HTTP, with the look's own event committed. */
export async function measureSearch(context: BenchmarkContext): Promise<readonly Metric[]> {
  const small = await startTrail(0);
  const large = await startTrail(0);
  try {
    await fillLog(small.database, { from: 0, size: SMALL, deadline: Infinity });
    const deadline = performance.now() + FILL_SECONDS * 1_000;
    let filled = 0;
    let ratio = Number.NaN;
    for (const size of [MIDDLE, LARGE].filter((wanted) => wanted <= LARGE)) {
      context.progress(`filling a log with ${String(size)} events, for at most ${String(FILL_SECONDS)} s`);
      const reached = await fillLog(large.database, { from: filled, size, deadline });
      if (reached === filled) break;
      filled = reached;
      await Promise.all([small.indexed(SMALL - STEP), large.indexed(filled - STEP)]);
      context.measured('search: events in the larger log', filled, 'events');
      ratio = await compare(context, small, large, filled);
    }
    // A smaller log proves nothing about ten million events: its figure has another name.
    const reached = filled >= TEN_MILLION ? '10m' : String(filled);
    return [{ metric: `audit.search.ratio_${reached}_10k`, value: ratio, goal: 1.5, better: 'lower' }];
  } finally {
    await Promise.all([small.stop(), large.stop()]);
  }
}

async function compare(context: BenchmarkContext, small: Trail, large: Trail, events: number): Promise<number> {
  let worst = 0;
  let sum = { small: 0, large: 0 };
  for (const [name, smallQuery, largeQuery] of [
    ...fullPages(timeOfSample(SMALL)).map(
      ([name, query], at) => [name, query, fullPages(timeOfSample(events))[at]?.[1] ?? query] as const,
    ),
    ...sparsePages.map(([name, query]) => [`(${name})`, query, query] as const),
  ]) {
    const full = !name.startsWith('(');
    const shown = await Promise.all([small.page(smallQuery), large.page(largeQuery)]);
    if (full && shown.some((page) => page.events < 50)) throw new Error(`${name}: a page is not full`);
    const times = await interleave(
      [
        { name: 'small', round: () => pageTime(small, smallQuery) },
        { name: 'large', round: () => pageTime(large, largeQuery) },
      ],
      { rounds: context.rounds },
    );
    context.measured(`${name}: 10 thousand`, times.small, 'ms');
    context.measured(`${name}: ${String(events)}`, times.large, 'ms');
    if (!full) continue;
    worst = Math.max(worst, times.large / times.small);
    sum = { small: sum.small + times.small, large: sum.large + times.large };
  }
  context.measured(`worst full page: ${String(events)} against 10 thousand`, worst, '×');
  return sum.large / sum.small;
}
