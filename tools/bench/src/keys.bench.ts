import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { generateSigningKey, makeApiKey } from '@countersign/auth-core';
import { uuidv7 } from '@countersign/audit-event';
import { startBackingServices } from '@countersign/backing-services';
import pg from 'pg';
import { z } from 'zod';
import { type Benchmark } from './benchmark.js';
import { decisionRound } from './keys/decision.js';
import { sharedLimit } from './keys/shared-limit.js';
import { pinned } from './pinned.js';
import { pathOf } from './processes.js';
import { interleave } from './rounds.js';
import { median } from './statistics.js';

const SECONDS = 4;
const POLITE_RATE = 200;
/** Twenty times its limit. */
const FLOOD_RATE = 2_000;

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

async function steadyLoad(url: string, file: string, rate: number): Promise<Report> {
  const program = [process.execPath, pathOf('keys/steady-load.js'), url, file, String(rate), String(SECONDS)] as const;
  const [command, ...rest] = pinned([...program], { core: 1 });
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

const benchmark: Benchmark = {
  description: `API keys: a polite key (${String(POLITE_RATE)} requests a second) beside one that floods one server with ${String(FLOOD_RATE)} a second, twenty times its limit, against the polite one alone; a decision from memory; how exactly four replicas with clocks of their own keep one limit over one PostgreSQL.`,
  async run({ rounds, progress, measured }) {
    const folder = mkdtempSync(join(tmpdir(), 'keys-'));
    const key = await generateSigningKey();
    const files = { polite: join(folder, 'polite'), flood: join(folder, 'flood') };
    writeFileSync(files.polite, makeApiKey('bench', uuidv7()));
    writeFileSync(files.flood, makeApiKey('flood', uuidv7()));
    const [command, ...rest] = pinned([process.execPath, pathOf('http/countersign-server.js')], { core: 0 });
    const server = spawn(command, rest, {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_ENV: 'production', BENCH_KEY: JSON.stringify(key) },
    });
    const backing = await startBackingServices();
    try {
      const [origin] = z.tuple([z.url()]).parse(await once(createInterface({ input: server.stdout }), 'line'));
      const url = `${origin}/with-key`;
      const databaseUrl = await backing.database('payments');
      await makeTables(databaseUrl);
      const decide = await decisionRound(key);
      const kept = { shares: [] as number[], commits: [] as number[], limited: [] as number[] };
      const alone = async (): Promise<number> => {
        return p99OfPolite(await steadyLoad(url, files.polite, POLITE_RATE));
      };
      const beside = async (): Promise<number> => {
        const [polite, flood] = await Promise.all([
          steadyLoad(url, files.polite, POLITE_RATE),
          steadyLoad(url, files.flood, FLOOD_RATE),
        ]);
        kept.limited.push((flood.statuses['429'] ?? 0) / flood.count);
        return p99OfPolite(polite);
      };
      const shared = async (): Promise<number> => {
        const { share, commits } = await sharedLimit(databaseUrl);
        kept.shares.push(share);
        kept.commits.push(commits);
        return share;
      };
      const figures = await interleave(
        [
          { name: 'alone', round: alone },
          { name: 'beside', round: beside },
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
      measured('polite key beside a flood: p99', figures.beside, 'ms');
      measured('of the flood was refused', median(kept.limited), '');
      measured('commits a request, four flooded replicas', median(kept.commits), '');
      return [
        { metric: 'keys.polite_p99_ratio', value: figures.beside / figures.alone, goal: 1.5, better: 'lower' },
        { metric: 'keys.decision_us', value: figures.decision, goal: 2, better: 'lower' },
        { metric: 'keys.limit.most', value: Math.max(...kept.shares), goal: 1.02, better: 'lower' },
        { metric: 'keys.limit.least', value: Math.min(...kept.shares), goal: 0.95, better: 'higher' },
      ];
    } finally {
      server.kill();
      await backing.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
export default benchmark;
