import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { generateSigningKey, makeApiKey, signJwt, type PrivateJwk } from '@countersign/auth-core';
import { uuidv7 } from '@countersign/audit-event';
import { z } from 'zod';
import { type Benchmark } from './benchmark.js';
import { AUDIENCE, ISSUER, SCOPE } from './http/settings.js';
import { pinned } from './pinned.js';
import { cpuSeconds } from './processes.js';
import { interleave } from './rounds.js';

/** More tokens than any of the caches holds, taken in turn: each is new to the server, every time. */
const FIRST_SEEN_TOKENS = 30_000;
const ROUND_SECONDS = 2;

const program = (name: string): string => fileURLToPath(new URL(`./http/${name}.js`, import.meta.url));

function tokensOf(key: PrivateJwk, count: number): readonly string[] {
  const issuedAt = Math.floor(Date.now() / 1_000);
  return Array.from({ length: count }, (_, index) =>
    signJwt(
      { typ: 'at+jwt', kid: key.kid },
      {
        iss: ISSUER,
        sub: 'storefront',
        aud: AUDIENCE,
        exp: issuedAt + 7_200,
        iat: issuedAt,
        jti: `bench-${String(index)}`,
        client_id: 'storefront',
        scope: `${SCOPE} orders:write`,
        txn: `txn-${String(index)}`,
        act: { sub: 'payments', client_id: 'payments' },
        roles: ['customer'],
      },
      key,
    ),
  );
}

interface Server {
  readonly url: string;
  readonly process: ChildProcess;
}

async function startServer(name: string, key: PrivateJwk): Promise<Server> {
  const [command, ...rest] = pinned([process.execPath, program(`${name}-server`)], { core: 0 });
  const child = spawn(command, rest, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_ENV: 'production', BENCH_KEY: JSON.stringify(key) },
  });
  const [url] = z.tuple([z.url()]).parse(await once(createInterface({ input: child.stdout }), 'line'));
  return { url, process: child };
}

const roundSchema = z.union([
  z.object({ answered: z.number(), seconds: z.number() }),
  z.object({ bad: z.number(), statuses: z.unknown() }),
]);

/**
 * @returns requests a second of the server's own CPU time: what one core of it answers, also where load or other programs take turns with
 * it; requests a second of the clock where the system does not report CPU time
 * @throws when an answer was not what it must be: such a figure would mean nothing */
async function load(server: Server, path: string, tokensFile: string): Promise<number> {
  const url = `${server.url}${path}`;
  const before = cpuSeconds(server.process);
  const [command, ...rest] = pinned([process.execPath, program('load'), url, tokensFile, String(ROUND_SECONDS)], {
    core: 1,
  });
  const child = spawn(command, rest, { stdio: ['ignore', 'pipe', 'inherit'] });
  let printed = '';
  for await (const chunk of child.stdout) printed += String(chunk);
  const round = roundSchema.parse(JSON.parse(printed));
  if ('bad' in round) throw new Error(`${url} answered ${JSON.stringify(round)}`);
  const used = cpuSeconds(server.process) - before;
  return round.answered / (Number.isNaN(used) ? round.seconds : used);
}

const benchmark: Benchmark = {
  description:
    'requests per second through the guard, against the same route open, stock Nest with passport-jwt, and Fastify with @fastify/jwt',
  async run({ rounds, progress, measured }) {
    const folder = mkdtempSync(join(tmpdir(), 'countersign-bench-'));
    const key = await generateSigningKey();
    const files = { repeated: join(folder, 'repeated'), new: join(folder, 'new'), key: join(folder, 'key') };
    writeFileSync(files.key, makeApiKey('bench', uuidv7()));
    writeFileSync(files.repeated, tokensOf(key, 1).join('\n'));
    writeFileSync(files.new, tokensOf(key, FIRST_SEEN_TOKENS).join('\n'));
    const servers: Server[] = [];
    const start = async (name: string): Promise<Server> => {
      const server = await startServer(name, key);
      servers.push(server);
      return server;
    };
    try {
      const ours = await start('countersign');
      const stock = await start('stock-nest');
      const fastify = await start('fastify-jwt');
      const rates = await interleave(
        [
          { name: 'open', round: () => load(ours, '/public', files.repeated) },
          { name: 'protected', round: () => load(ours, '/protected', files.repeated) },
          { name: 'apiKey', round: () => load(ours, '/with-key', files.key) },
          { name: 'fastify', round: () => load(fastify, '/protected', files.repeated) },
          { name: 'stock', round: () => load(stock, '/protected', files.repeated) },
          { name: 'firstSeen', round: () => load(ours, '/protected', files.new) },
          { name: 'stockFirstSeen', round: () => load(stock, '/protected', files.new) },
        ],
        {
          rounds,
          onRound: (round) => {
            progress(round < 0 ? 'warming up' : `round ${String(round + 1)} of ${String(rounds)}`);
          },
        },
      );
      for (const [name, rate] of Object.entries(rates)) measured(name, rate, 'requests / CPU s');
      const metric = (name: string, value: number, goal: number) =>
        ({ metric: `http.${name}`, value, goal, better: 'higher' }) as const;
      return [
        metric('protected.ratio_public', rates.protected / rates.open, 0.95),
        metric('api_key.ratio_public', rates.apiKey / rates.open, 0.9),
        metric('protected.ratio_stock_nest', rates.protected / rates.stock, 8),
        metric('first_seen.ratio_stock_nest', rates.firstSeen / rates.stockFirstSeen, 1.1),
        metric('protected.ratio_fastify_jwt_cached', rates.protected / rates.fastify, 1.15),
      ];
    } finally {
      for (const server of servers) server.process.kill();
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
export default benchmark;
