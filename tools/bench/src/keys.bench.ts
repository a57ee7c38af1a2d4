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
import { p99OfPolite, SECONDS, steadyLoad, type Load } from './keys/loads.js';
import { sharedLimit } from './keys/shared-limit.js';
import { pinned } from './pinned.js';
import { cpuSeconds, pathOf } from './processes.js';
import { interleave } from './rounds.js';
import { median } from './statistics.js';

const CONNECTIONS = 20;
const POLITE_RATE = 200;
/** Requests a second that the flooding key may make, by the server's own words. */
const LIMIT_OF_FLOOD = 100;
const FLOOD_RATE = 20 * LIMIT_OF_FLOOD;
/** Connections of a caller that sends again as soon as it is answered. */
const LOOP_CONNECTIONS = 50;
/** As many of them as the service holds answers of one key. */
const CROWD_CONNECTIONS = 1_000;

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

const benchmark: Benchmark = {
  description:
    `API keys: a polite key (${String(POLITE_RATE)} requests a second) beside one that floods the same server with ${String(FLOOD_RATE)} a second, twenty times its limit, ` +
    `or by ${String(LOOP_CONNECTIONS)} or ${String(CROWD_CONNECTIONS)} connections that send again as soon as they are answered; against only the polite one. ` +
    'The program that floods runs on the core of the polite client only while that is idle, because a flood comes from other machines; the same flood at another server shows what is left of its disturbance. ' +
    'A decision from memory; how exactly four replicas with separate clocks keep one limit over one PostgreSQL (fsync off).',
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
      const kept = {
        ...{ shares: [] as number[], commits: [] as number[], limited: [] as number[] },
        ...{ flooded: [] as number[], looped: [] as number[], crowded: [] as number[] },
        ...{ coreOfPolite: [] as number[], coreOfBoth: [] as number[] },
      };
      const polite = { file: files.polite, rate: POLITE_RATE, connections: CONNECTIONS };
      const flood = { file: files.flood, rate: FLOOD_RATE, connections: CONNECTIONS, floods: true };
      const loop = { ...flood, rate: 'unbounded', connections: LOOP_CONNECTIONS } as const;
      const crowd = { ...loop, connections: CROWD_CONNECTIONS };
      /** The polite key's p99, while another load is at a server. */
      const beside = async (load?: Load, sent?: number[], at = server): Promise<number> => {
        const before = cpuSeconds(server.process);
        const [asked, flooded] = await Promise.all([
          steadyLoad(server.url, polite),
          load === undefined ? undefined : steadyLoad(at.url, load),
        ]);
        const core = (cpuSeconds(server.process) - before) / SECONDS;
        if (load === undefined) kept.coreOfPolite.push(core);
        if (load === flood && at === server) kept.coreOfBoth.push(core);
        if (flooded !== undefined) {
          kept.limited.push((flooded.statuses['429'] ?? 0) / flooded.answered);
          sent?.push(flooded.sentInTime / SECONDS);
        }
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
          { name: 'flood', round: () => beside(flood, kept.flooded) },
          { name: 'loop', round: () => beside(loop, kept.looped) },
          { name: 'crowd', round: () => beside(crowd, kept.crowded) },
          { name: 'elsewhere', round: () => beside(flood, [], other) },
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
      measured('only the polite key: p99', figures.alone, 'ms');
      measured('polite key beside a flood: p99', figures.flood, 'ms');
      measured('polite key beside a loop: p99', figures.loop, 'ms');
      measured('polite key beside a loop by a crowd of connections: p99', figures.crowd, 'ms');
      measured('polite key, flood at another server: p99', figures.elsewhere, 'ms');
      measured('requests of the flood', median(kept.flooded), 'a second');
      measured('requests of the loop', median(kept.looped), 'a second');
      measured('requests of the crowd', median(kept.crowded), 'a second');
      measured('server core that the flood takes', 100 * (median(kept.coreOfBoth) - median(kept.coreOfPolite)), '%');
      measured('of their answers were refusals', median(kept.limited), '');
      measured('commits a request, four flooded replicas', median(kept.commits), '');
      return [
        ratio('polite_p99_ratio', figures.flood / figures.alone),
        ratio('polite_p99_ratio_loop', figures.loop / figures.alone),
        ratio('polite_p99_ratio_isolated', figures.flood / figures.elsewhere),
        { metric: 'keys.polite_p99_ratio_crowd', value: figures.crowd / figures.alone, better: 'lower' },
        { metric: 'keys.flood_limit_ratio', value: median(kept.flooded) / LIMIT_OF_FLOOD, goal: 10, better: 'higher' },
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
