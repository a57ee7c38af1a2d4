import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { withDatabase } from '@countersign/backing-services';
import { type PrivateJwk } from '@countersign/auth-core';
import { z } from 'zod';
import { OWN_GC, pinned } from '../pinned.js';
import { pathOf } from '../processes.js';

/** A server with a route for API keys, as a process on the core of servers. */
export interface KeyServer {
  /** The address of the route. */
  readonly url: string;
  readonly process: ChildProcess;
}

/** @param isMeasured then it has precedence on its core, so that other work of the machine is not measured with it */
export async function startServer(key: PrivateJwk, isMeasured: boolean): Promise<KeyServer> {
  const [command, ...rest] = pinned([process.execPath, OWN_GC, pathOf('http/countersign-server.js')], {
    core: 0,
    precedence: isMeasured ? 'first' : undefined,
  });
  const server = spawn(command, rest, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_ENV: 'production', BENCH_KEY: JSON.stringify(key) },
  });
  const [origin] = z.tuple([z.url()]).parse(await once(createInterface({ input: server.stdout }), 'line'));
  return { url: `${origin}/with-key`, process: server };
}

/** The tables that a service needs for API keys, as payments has them. */
export async function makeTables(databaseUrl: string): Promise<void> {
  await withDatabase(databaseUrl, async (database) => {
    const { rows } = await database.query<{ owner: string }>(
      `select quote_ident(pg_get_userbyid(nspowner)) as owner from pg_namespace where nspname = 'public'`,
    );
    await database.query(`set role ${rows[0]?.owner ?? 'none'}`);
    await database.query('alter default privileges grant select, insert, update, delete on tables to session_user');
    await database.query(readFileSync(pathOf('../../../apps/payments/migrations/0007_api_keys.sql'), 'utf8'));
  });
}
