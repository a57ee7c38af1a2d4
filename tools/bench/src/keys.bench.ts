import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateSigningKey, makeApiKey } from '@countersign/auth-core';
import { uuidv7 } from '@countersign/audit-event';
import { startBackingServices } from '@countersign/backing-services';
import { type Benchmark, type BenchmarkContext } from './benchmark.js';
import { decisionRound } from './keys/decision.js';
import { Neighbours, Seen, type Neighbour } from './keys/neighbours.js';
import { makeTables, startServer } from './keys/servers.js';
import { sharedLimit } from './keys/shared-limit.js';
import { interleave } from './rounds.js';
import { median } from './statistics.js';

const CONNECTIONS = 20;
const POLITE_RATE = 200;
/** Requests a second that the flooding key may make, by the server's own words. */
const LIMIT_OF_FLOOD = 100;
const FLOOD_RATE = 20 * LIMIT_OF_FLOOD;
/** Near what one program can send here: the service stops reading most of it. */
const TORRENT_RATE = 200 * LIMIT_OF_FLOOD;
/** Connections of a caller that sends again as soon as it gets a response. */
const LOOP_CONNECTIONS = 50;
/** As many of them as the service holds answers of one key. */
const CROWD_CONNECTIONS = 1_000;
/** Turns of each candidate in a round: short, since a machine is not the same from minute to minute. */
const TURNS = 3;

const NEIGHBOURS = ['alone', 'flood', 'torrent', 'loop', 'crowd', 'elsewhere'] as const;
type Name = (typeof NEIGHBOURS)[number];
const TITLES: Readonly<Record<Name, string>> = {
  alone: 'only the polite key',
  flood: 'polite key beside a flood',
  torrent: 'polite key beside a torrent',
  loop: 'polite key beside a loop',
  crowd: 'polite key beside a loop by a crowd of connections',
  elsewhere: 'polite key, flood at another server',
};

const ratio = (name: string, value: number) => ({ metric: `keys.${name}`, value, goal: 1.5, better: 'lower' }) as const;

function report(seen: Readonly<Record<Name, Seen>>, { measured }: BenchmarkContext): void {
  for (const name of NEIGHBOURS) {
    const { polite, early, late, sent } = seen[name];
    const [least, greatest] = polite.spread(0.99);
    measured(`${TITLES[name]}: p50`, polite.pooled(0.5), 'ms');
    measured(`${TITLES[name]}: p99, median of the turns`, polite.typical(0.99), 'ms');
    measured(`${TITLES[name]}: p99 of the best turn`, least, 'ms');
    measured(`${TITLES[name]}: p99 of the worst turn`, greatest, 'ms');
    measured(`${TITLES[name]}: p99 of all turns together`, polite.pooled(0.99), 'ms');
    measured(`${TITLES[name]}: p99.9 of all turns together`, polite.pooled(0.999), 'ms');
    measured(`${TITLES[name]}: p99 before each turn, while a burst may pass`, early.typical(0.99), 'ms');
    measured(`${TITLES[name]}: p99 of sending late`, late.typical(0.99), 'ms');
    measured(`${TITLES[name]}: answers timed`, polite.count, '');
    if (sent.length > 0) measured(`${TITLES[name]}: requests of the other key`, median(sent), 'a second');
  }
  measured('server core that the flood takes', 100 * (median(seen.flood.core) - median(seen.alone.core)), '%');
  measured('of the answers of the flood were refusals', median(seen.flood.limited), '');
}

const benchmark: Benchmark = {
  description:
    `API keys: a polite key (${String(POLITE_RATE)} requests a second, timed from when each is due) beside one that floods the same server with ${String(FLOOD_RATE)} a second, twenty times its limit, or ${String(TORRENT_RATE)}, ` +
    `or by ${String(LOOP_CONNECTIONS)} or ${String(CROWD_CONNECTIONS)} connections that send again as soon as they are answered; against only the polite one. ` +
    'The server and the polite client run before everything else on their cores, because a flood comes from other machines; the same flood at another server shows its remaining effect. ' +
    'A decision from memory; how exactly four replicas with separate clocks keep one limit over one PostgreSQL (fsync off).',
  async run(context) {
    const { rounds, progress, measured } = context;
    const folder = mkdtempSync(join(tmpdir(), 'keys-'));
    const key = await generateSigningKey();
    const files = { polite: join(folder, 'polite'), flood: join(folder, 'flood') };
    writeFileSync(files.polite, makeApiKey('bench', uuidv7()));
    writeFileSync(files.flood, makeApiKey('flood', uuidv7()));
    const [server, other] = await Promise.all([startServer(key, true), startServer(key, false)]);
    const neighbours = new Neighbours(server, { file: files.polite, rate: POLITE_RATE, connections: CONNECTIONS });
    const backing = await startBackingServices();
    try {
      const databaseUrl = await backing.database('payments');
      await makeTables(databaseUrl);
      const flood = { file: files.flood, rate: FLOOD_RATE, connections: CONNECTIONS };
      const loop = { ...flood, rate: 'unbounded', connections: LOOP_CONNECTIONS } as const;
      const beside: Readonly<Record<Name, Neighbour | undefined>> = {
        alone: undefined,
        flood: { load: flood, at: server },
        torrent: { load: { ...flood, rate: TORRENT_RATE }, at: server },
        loop: { load: loop, at: server },
        crowd: { load: { ...loop, connections: CROWD_CONNECTIONS }, at: server },
        elsewhere: { load: flood, at: other },
      };
      const seen: Readonly<Record<Name, Seen>> = {
        alone: new Seen(),
        flood: new Seen(),
        torrent: new Seen(),
        loop: new Seen(),
        crowd: new Seen(),
        elsewhere: new Seen(),
      };
      let isWarm = false;
      await interleave(
        NEIGHBOURS.map((name) => ({
          name,
          round: () => neighbours.turn(beside[name], isWarm ? seen[name] : undefined),
        })),
        {
          rounds: rounds * TURNS,
          onRound: (turn) => {
            isWarm = turn >= 0;
            if (turn % TURNS === 0) progress(`round ${String(turn / TURNS)}`);
          },
        },
      );
      const kept = { shares: [] as number[], commits: [] as number[] };
      const share = async (): Promise<number> => {
        const found = await sharedLimit(databaseUrl);
        kept.shares.push(found.share);
        kept.commits.push(found.commits);
        return found.share;
      };
      const { decision } = await interleave(
        [
          { name: 'decision', round: await decisionRound(key) },
          { name: 'share', round: share },
        ],
        { rounds },
      );
      report(seen, context);
      measured('commits a request, four flooded replicas', median(kept.commits), '');
      const p99 = (name: Name): number => seen[name].polite.typical(0.99);
      return [
        ratio('polite_p99_ratio', p99('flood') / p99('alone')),
        ratio('polite_p99_ratio_torrent', p99('torrent') / p99('alone')),
        ratio('polite_p99_ratio_loop', p99('loop') / p99('alone')),
        ratio('polite_p99_ratio_isolated', p99('flood') / p99('elsewhere')),
        { metric: 'keys.polite_p99_ratio_crowd', value: p99('crowd') / p99('alone'), better: 'lower' },
        {
          metric: 'keys.flood_limit_ratio',
          value: median(seen.flood.sent) / LIMIT_OF_FLOOD,
          goal: 10,
          better: 'higher',
        },
        { metric: 'keys.decision_us', value: decision, goal: 2, better: 'lower' },
        { metric: 'keys.limit.most', value: Math.max(...kept.shares), goal: 1.02, better: 'lower' },
        { metric: 'keys.limit.least', value: Math.min(...kept.shares), goal: 0.95, better: 'higher' },
      ];
    } finally {
      neighbours.stop();
      for (const { process: child } of [server, other]) child.kill();
      await backing.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
export default benchmark;
