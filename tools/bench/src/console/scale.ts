import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openDatabase } from '@countersign/backing-services';
import { freePortBase, startStack, type Stack } from '@countersign/stack';
import type pg from 'pg';
import { z } from 'zod';
import { fillLog, timeOfSample } from '../audit/sample-events.js';
import { type BenchmarkContext, type Metric } from '../benchmark.js';
import { median } from '../statistics.js';
import { Auditor } from './auditor.js';
import { ConsoleBrowser } from './browser.js';

/** Ten million at most: `BENCH_CONSOLE_EVENTS` says how many, and filling stops after `BENCH_CONSOLE_FILL_SECONDS`. */
const LARGEST = Number(process.env['BENCH_CONSOLE_EVENTS'] ?? 10_000_000);
const FILL_SECONDS = Number(process.env['BENCH_CONSOLE_FILL_SECONDS'] ?? 600);
const SIZES = [10_000, 1_000_000, 10_000_000].filter((size) => size <= LARGEST);
/** Steps of the index that may be missing at its end. */
const STEP = 2_048;
const COLD_STARTS = 5;
const PAGES = 10;
/** Milliseconds that people wait for a page without noticing much, and for what comes a moment later. */
const PAGE_GOAL_MS = 200;
const COUNTS_GOAL_MS = 1_000;

const root = fileURLToPath(new URL('../../../..', import.meta.url));
const migrationUrl = /^MIGRATION_DATABASE_URL=(.+)$/m;
const indexedRows = z.tuple([z.object({ indexed: z.coerce.number() })]);
const diskRows = z.tuple([z.object({ bytes: z.coerce.number() })]);

/** As the owner of the tables; nobody integrates the log meanwhile, of whose tree the sample is no part. */
async function openTrail({ directory }: Stack): Promise<pg.Client> {
  const [, url] = migrationUrl.exec(readFileSync(join(directory, 'env', 'audit.migrate.env'), 'utf8')) ?? [];
  if (url === undefined) throw new Error('the stack does not say where its database is');
  const database = await openDatabase(url.replaceAll(/^["']|["']$/g, ''));
  await database.query(`select pg_advisory_lock(hashtext('countersign.log-integration'))`);
  await database.query('set synchronous_commit = off');
  return database;
}

async function untilIndexed(database: pg.Client, events: number): Promise<void> {
  for (;;) {
    const { rows } = await database.query('select coalesce(max(end_index), 0) as indexed from posting_span');
    if (indexedRows.parse(rows)[0].indexed >= events) return;
    await delay(500);
  }
}

/** What the Trail asks for, and what one asks of it. Goals are for the largest size. */
function questions(events: number): readonly (readonly [name: string, path: string, goal: number])[] {
  const before = (hours: number): string => timeOfSample(events - hours * 1_200).toISOString();
  const page = (name: string, query: string) => [`page: ${name}`, `/events?limit=100&${query}`, PAGE_GOAL_MS] as const;
  const counts = (name: string, query: string) =>
    [`histogram and facets: ${name}`, `/events/summary?buckets=60&${query}`, COUNTS_GOAL_MS] as const;
  return [
    page('no filter', ''),
    page('a client', 'client=client-7'),
    page('denied', 'outcome=denied'),
    page('words', 'q=thing4%20posted'),
    page('subject, action', 'subject=storefront&action=thing4:read'),
    page('one transaction of all', `txn=txn-${String(Math.floor(events / 10))}`),
    page('nothing found', 'resource=payment/0'),
    counts('no filter', ''),
    counts('last 24 hours', `from=${before(24)}`),
    counts('a client', 'client=client-7'),
    counts('denied', 'outcome=denied'),
    counts('words', 'q=thing4%20posted'),
    counts('a rare subject', 'subject=user-900'),
    ['who calls whom: 30 days', `/events/calls?from=${before(720)}&to=${before(0)}`, COUNTS_GOAL_MS],
    ['health', '/overview', COUNTS_GOAL_MS],
  ];
}

async function measure(context: BenchmarkContext, stack: Stack, events: number): Promise<readonly Metric[]> {
  const auditor = new Auditor(stack);
  const label = events.toLocaleString('en');
  const metrics: Metric[] = [];
  const keep = (name: string, values: readonly number[], goal: number): void => {
    metrics.push({ metric: `${label}: ${name}, ms`, value: median(values), goal, better: 'lower' });
  };
  for (const [name, path, goal] of questions(events)) {
    await auditor.time(path);
    const times: number[] = [];
    for (let round = 0; round < context.rounds; round += 1) times.push(await auditor.time(path));
    keep(name, times, goal);
  }
  keep('live tail: from the answer to the event', await auditor.tailTimes(context.rounds), COUNTS_GOAL_MS);
  const browser = await ConsoleBrowser.open(stack);
  try {
    const starts = [];
    for (let at = 0; at < COLD_STARTS; at += 1) starts.push(await browser.coldStart());
    keep(
      'browser: first events drawn, cold',
      starts.map(({ firstRow }) => firstRow),
      1_000,
    );
    keep(
      'browser: histogram and facets drawn, cold',
      starts.map(({ firstCounts }) => firstCounts),
      2_000,
    );
    keep('browser: the next hundred events', await browser.pages(PAGES), 1_000);
  } finally {
    await browser.close();
  }
  return metrics;
}

/** The console's questions at each size, on its own stack, whose search index the product built. */
export async function measureConsole(context: BenchmarkContext): Promise<readonly Metric[]> {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-console-scale-'));
  const portBase = await freePortBase();
  const quiet = { onStep: () => undefined, onLine: () => undefined };
  const stack = await startStack({ root, directory, portBase, without: [], demo: true, ...quiet });
  const metrics: Metric[] = [];
  try {
    const database = await openTrail(stack);
    const deadline = performance.now() + FILL_SECONDS * 1_000;
    let filled = 0;
    for (const size of SIZES) {
      context.progress(`filling a log with ${size.toLocaleString('en')} events`);
      const begun = performance.now();
      const reached = await fillLog(database, { from: filled, size, deadline });
      if (reached === filled) break;
      const written = performance.now();
      await untilIndexed(database, reached - STEP);
      const { rows } = await database.query('select pg_database_size(current_database())::text as bytes');
      const name = reached.toLocaleString('en');
      context.measured(`${name}: events written a second`, (1_000 * (reached - filled)) / (written - begun), '');
      context.measured(`${name}: waited for the search index`, (performance.now() - written) / 1_000, 's');
      context.measured(`${name}: database`, diskRows.parse(rows)[0].bytes / 1024 ** 3, 'GiB');
      filled = reached;
      context.progress('measuring');
      metrics.push(...(await measure(context, stack, filled)));
      if (reached < size) break;
    }
    await database.end();
    return metrics;
  } finally {
    await stack.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}
