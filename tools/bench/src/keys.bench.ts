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
import { p99OfPolite, SECONDS, steadyLoad, type Load, type Report } from './keys/loads.js';
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
/** Connections of a caller that asks again as soon as it is answered. */
const LOOP_CONNECTIONS = 50;

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

/** A figure that is only stated: the flood's program takes the polite client's core. */
const stated = (name: string, value: number) => ({ metric: `keys.${name}`, value, better: 'lower' }) as const;

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
    `or by ${String(LOOP_CONNECTIONS)} connections that ask again as soon as they are answered; against only the polite one. The program that floods shares a core with the polite client, which takes precedence there, as if the flood came from another machine. ` +
    'Beside: both programs with equal rights to the core, and then against the same flood at another server (what is left then is the machine). ' +
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
        ...{ flooded: [] as number[], looped: [] as number[] },
      };
      const polite = { file: files.polite, rate: POLITE_RATE, connections: CONNECTIONS };
      const flood = { file: files.flood, rate: FLOOD_RATE, connections: CONNECTIONS };
      const loop = { file: files.flood, rate: 'unbounded', connections: LOOP_CONNECTIONS } as const;
      const floodFromFar = { ...flood, givesWay: true };
      const loopFromFar = { ...loop, givesWay: true };
      /** The polite key's p99, while another load is at a server. */
      const beside = async (load?: Load, at = server, asks?: number[]): Promise<number> => {
        const [asked, flooded] = await Promise.all([
          steadyLoad(server.url, polite),
          load === undefined ? undefined : steadyLoad(at.url, load),
        ]);
        if (flooded !== undefined && load?.rate === FLOOD_RATE)
          kept.limited.push((flooded.statuses['429'] ?? 0) / flooded.count);
        if (flooded !== undefined) asks?.push(flooded.sentInTime / SECONDS);
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
          { name: 'floodFromFar', round: () => beside(floodFromFar, server, kept.flooded) },
          { name: 'loopFromFar', round: () => beside(loopFromFar, server, kept.looped) },
          { name: 'floodElsewhere', round: () => beside(flood, other) },
          { name: 'floodBeside', round: () => beside(flood) },
          { name: 'loopElsewhere', round: () => beside(loop, other) },
          { name: 'loopBeside', round: () => beside(loop) },
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
      measured('only the polite key: p99', figures.alone, 'ms');
      measured('polite key beside a flood: p99', figures.floodFromFar, 'ms');
      measured('polite key beside a loop: p99', figures.loopFromFar, 'ms');
      measured('requests of the flood', median(kept.flooded), 'a second');
      measured('requests of the loop', median(kept.looped), 'a second');
      measured('equal rights to the core: flood beside, p99', figures.floodBeside, 'ms');
      measured('equal rights to the core: flood at another server, p99', figures.floodElsewhere, 'ms');
      measured('equal rights to the core: loop beside, p99', figures.loopBeside, 'ms');
      measured('equal rights to the core: loop at another server, p99', figures.loopElsewhere, 'ms');
      measured('CPU of a flooding request', figures.costOfRefusal, 'µs');
      measured('of the flood was refused', median(kept.limited), '');
      measured('commits a request, four flooded replicas', median(kept.commits), '');
      return [
        ratio('polite_p99_ratio', figures.floodFromFar / figures.alone),
        ratio('polite_p99_ratio_loop', figures.loopFromFar / figures.alone),
        stated('polite_p99_ratio_equal', figures.floodBeside / figures.alone),
        stated('polite_p99_ratio_loop_equal', figures.loopBeside / figures.alone),
        ratio('polite_p99_ratio_isolated', figures.floodBeside / figures.floodElsewhere),
        ratio('polite_p99_ratio_loop_isolated', figures.loopBeside / figures.loopElsewhere),
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
