import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort, openDatabase, serviceVariables, startOwnBackingServices } from '@countersign/backing-services';
import { createTestIssuer } from '@countersign/test-kit';
import type pg from 'pg';
import { z } from 'zod';
import { pinned } from '../pinned.js';

const indexedRows = z.tuple([z.object({ indexed: z.coerce.number() })]);
const pageSchema = z.object({ events: z.array(z.unknown()), next_cursor: z.string().nullable() });

/** A separate audit service, with its own PostgreSQL and NATS. */
export interface Trail {
  readonly database: pg.Client;
  /** @returns milliseconds that a page took, over HTTP, and how many events were on it */
  page(query: string): Promise<{ readonly ms: number; readonly events: number }>;
  /** Waits until the search index has so many events. */
  indexed(events: number): Promise<void>;
  stop(): Promise<void>;
}

export async function startTrail(core: number): Promise<Trail> {
  const backing = await startOwnBackingServices({ large: true });
  const issuer = await createTestIssuer({ audience: 'audit', listen: true });
  const databaseUrl = await backing.database('audit');
  const port = await freePort();
  const url = `http://127.0.0.1:${String(port)}`;
  const program = fileURLToPath(new URL('../../../../apps/audit/dist/main.js', import.meta.url));
  const [command, ...args] = pinned([process.execPath, program], { core });
  const child = spawn(command, args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      PATH: process.env['PATH'],
      ...serviceVariables('audit', { issuer: issuer.issuer, databaseUrl, backing, port }),
      LOG_KEY: JSON.stringify(generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })),
      LOG_ORIGIN: 'bench.test/log',
      // Nobody states here what is revoked, and a log of ten million events is filled for longer than the usual quarter of an hour.
      REVOCATION_GRACE_SECONDS: '86400',
    },
  });
  for (let attempt = 0; ; attempt += 1) {
    const ready = await fetch(`${url}/health/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (ready) break;
    if (child.exitCode !== null || attempt > 600) throw new Error('the audit service did not start');
    await delay(100);
  }
  const database = await openDatabase(databaseUrl);
  // The sample comes past the intake and is no part of a tree: as long as we hold this lock, nobody integrates it.
  await database.query(`select pg_advisory_lock(hashtext('countersign.log-integration'))`);
  const token = await issuer.mint({ subject: 'bench', clientId: 'bench', scopes: ['audit:read'], lifetime: 86_400 });
  return {
    database,
    async page(query) {
      const startedAt = performance.now();
      const answer = await fetch(`${url}/events?limit=50&${query}`, { headers: { authorization: `Bearer ${token}` } });
      if (!answer.ok) throw new Error(`a page of '${query}': ${String(answer.status)} ${await answer.text()}`);
      const page = pageSchema.parse(await answer.json());
      return { ms: performance.now() - startedAt, events: page.events.length };
    },
    async indexed(events) {
      for (;;) {
        const { rows } = await database.query('select coalesce(max(end_index), 0) as indexed from posting_span');
        if (indexedRows.parse(rows)[0].indexed >= events) return;
        await delay(500);
      }
    },
    async stop() {
      await database.end();
      child.kill('SIGTERM');
      await once(child, 'exit');
      await issuer.close();
      await backing.stop();
    },
  };
}
