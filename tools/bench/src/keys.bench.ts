import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { generateSigningKey, makeApiKey, type PrivateJwk } from '@countersign/auth-core';
import { uuidv7 } from '@countersign/audit-event';
import { startBackingServices } from '@countersign/backing-services';
import pg from 'pg';
import { z } from 'zod';
import { type Benchmark } from './benchmark.js';
import { decisionRound } from './keys/decision.js';
import { sharedLimit } from './keys/shared-limit.js';
import { pinned } from './pinned.js';
import { cpuSeconds, pathOf } from './processes.js';
import { interleave } from './rounds.js';
import { median } from './statistics.js';

const SECONDS = 3;
const CONNECTIONS = 20;
const POLITE_RATE = 200;
/** Twenty times its limit. */
const FLOOD_RATE = 2_000;
/** Connections of a caller that asks again as soon as it is answered. */
const LOOP_CONNECTIONS = 50;

/** Milliseconds for which the load waits for answers. */
const UNANSWERED_MS = 10_000;

const reportSchema = z.object({
  p50: z.number(),
  p99: z.number(),
  answered: z.number(),
  count: z.number(),
  statuses: z.record(z.string(), z.number()),
});
type Report = z.infer<typeof reportSchema>;

/** How loud a key is. */
interface Load {
  readonly file: string;
  readonly rate: number | 'unbounded';
  readonly connections: number;
}

async function steadyLoad(url: string, { file, rate, connections }: Load): Promise<Report> {
  const program = [process.execPath, pathOf('keys/steady-load.js')] as const;
  const options = [url, file, String(rate), String(SECONDS), String(connections)];
  const [command, ...rest] = pinned([...program, ...options], { core: 1 });
  const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'inherit'] });
  let printed = '';
  for await (const chunk of child.stdout) printed += String(chunk);
  return reportSchema.parse(JSON.parse(printed));
}

/** Milliseconds; more than any answer took when some never came. @throws when a polite request was refused */
function p99OfPolite({ statuses, answered, count, p99 }: Report): number {
  if (statuses['200'] !== answered) throw new Error(`the polite key was refused: ${JSON.stringify(statuses)}`);
  return answered < count ? Math.max(p99, UNANSWERED_MS) : p99;
}

/** The tables that a service needs for API keys, as payments has them. */
async function makeTables(databaseUrl: string): Promise<void> {
  const database = new pg.Client({ connectionString: databaseUrl });
  await database.connect();
  try {
    const { rows } = await database.query<{ owner: string }>(
      `select quote_ident(pg_get_userbyid(nspowner)) as owner from pg_namespace where nspname = 'public'`,
    );
    await database.query(`set role ${rows[0]?.owner ?? 'none'}`);
    await database.query('alter default privileges grant select, insert, update, delete on tables to session_user');
    await database.query(readFileSync(pathOf('../../../apps/payments/migrations/0007_api_keys.sql'), 'utf8'));
  } finally {
    await database.end();
  }
}

const ratio = (name: string, value: number) => ({ metric: `keys.${name}`, value, goal: 1.5, better: 'lower' }) as const;

/** A separate server on the core of servers. */
async function startServer(key: PrivateJwk): Promise<{ readonly url: string; readonly process: ChildProcess }> {
  const [command, ...rest] = pinned([process.execPath, pathOf('http/countersign-server.js')], { core: 0 });
  const server = spawn(command, rest, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_ENV: 'production', BENCH_KEY: JSON.stringify(key) },
  });
  const [origin] = z.tuple([z.url()]).parse(await once(createInterface({ input: server.stdout }), 'line'));
  return { url: `${origin}/with-key`, process: server };
}

/** Microseconds of a server's CPU for each answer to a load. */
async function costOf(server: ChildProcess, load: () => Promise<Report>): Promise<number> {
  const before = cpuSeconds(server);
  const { answered } = await load();
  return ((cpuSeconds(server) - before) / answered) * 1e6;
}

const benchmark: Benchmark = {
  description:
    `API keys: a polite key (${String(POLITE_RATE)} requests a second) beside one that floods the same server with ${String(FLOOD_RATE)} a second, twenty times its limit, ` +
    `or by ${String(LOOP_CONNECTIONS)} connections that ask again as soon as they are answered; against only the polite one, and against the same flood at another server on the same core (what is left then is the machine). ` +
    'A decision from memory; how exactly four replicas with separate clocks keep one limit over one PostgreSQL.',
  async run({ rounds, progress, measured }) {
    const folder = mkdtempSync(join(tmpdir(), 'keys-'));
    const key = await generateSigningKey();
    const files = { polite: join(folder, 'polite'), flood: join(folder, 'flood') };
    writeFileSync(files.polite, makeApiKey('bench', uuidv7()));
    writeFileSync(files.flood, makeApiKey('flood', uuidv7()));
    const [server, other] = await Promise.all([startServer(key), startServer(key)]);
    const backing = await startBackingServices();
    try {
      const databaseUrl = await backing.database('payments');
      await makeTables(databaseUrl);
      const decide = await decisionRound(key);
      const kept = { shares: [] as number[], commits: [] as number[], limited: [] as number[], looped: [] as number[] };
      const polite = { file: files.polite, rate: POLITE_RATE, connections: CONNECTIONS };
      const flood = { file: files.flood, rate: FLOOD_RATE, connections: CONNECTIONS };
      const loop = { file: files.flood, rate: 'unbounded', connections: LOOP_CONNECTIONS } as const;
      /** The polite key's p99, while another load is at a server. */
      const beside = async (load?: Load, at = server, answers?: number[]): Promise<number> => {
        const [asked, flooded] = await Promise.all([
          steadyLoad(server.url, polite),
          load === undefined ? undefined : steadyLoad(at.url, load),
        ]);
        if (flooded !== undefined) answers?.push(flooded.answered / SECONDS);
        if (load === flood && flooded !== undefined) kept.limited.push((flooded.statuses['429'] ?? 0) / flooded.count);
        return p99OfPolite(asked);
      };
      const shared = async (): Promise<number> => {
        const { share, commits } = await sharedLimit(databaseUrl);
        kept.shares.push(share);
        kept.commits.push(commits);
        return share;
      };
      const figures = await interleave(
        [
          { name: 'alone', round: () => beside() },
          { name: 'floodElsewhere', round: () => beside(flood, other) },
          { name: 'floodBeside', round: () => beside(flood) },
          { name: 'loopElsewhere', round: () => beside(loop, other) },
          { name: 'loopBeside', round: () => beside(loop, server, kept.looped) },
          { name: 'costOfRefusal', round: () => costOf(server.process, () => steadyLoad(server.url, flood)) },
          { name: 'decision', round: decide },
          { name: 'share', round: shared },
        ],
        {
          rounds,
          onRound: (round) => {
            progress(`round ${String(round)}`);
          },
        },
      );
      measured('polite key alone: p99', figures.alone, 'ms');
      measured('polite key, flood at another server: p99', figures.floodElsewhere, 'ms');
      measured('polite key beside a flood: p99', figures.floodBeside, 'ms');
      measured('polite key, loop at another server: p99', figures.loopElsewhere, 'ms');
      measured('polite key beside a loop: p99', figures.loopBeside, 'ms');
      measured('answers to the loop', median(kept.looped), 'a second');
      measured('CPU of a flooding request', figures.costOfRefusal, 'µs');
      measured('of the flood was refused', median(kept.limited), '');
      measured('commits a request, four flooded replicas', median(kept.commits), '');
      return [
        ratio('polite_p99_ratio', figures.floodBeside / figures.alone),
        ratio('polite_p99_ratio_isolated', figures.floodBeside / figures.floodElsewhere),
        ratio('polite_p99_ratio_loop', figures.loopBeside / figures.alone),
        ratio('polite_p99_ratio_loop_isolated', figures.loopBeside / figures.loopElsewhere),
        { metric: 'keys.decision_us', value: figures.decision, goal: 2, better: 'lower' },
        { metric: 'keys.limit.most', value: Math.max(...kept.shares), goal: 1.02, better: 'lower' },
        { metric: 'keys.limit.least', value: Math.min(...kept.shares), goal: 0.95, better: 'higher' },
      ];
    } finally {
      for (const { process: child } of [server, other]) child.kill();
      await backing.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
export default benchmark;
