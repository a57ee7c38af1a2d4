import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  type Child,
  freePort,
  newNatsPasswords,
  newPassword,
  openPool,
  serviceVariables,
  startChild,
  startNats,
  startPostgres,
} from '@countersign/backing-services';
import { createTestIssuer, type TestIssuer } from '@countersign/test-kit';
import type pg from 'pg';
import { z } from 'zod';
import { pinned } from '../pinned.js';

const audit = fileURLToPath(new URL('../../../../apps/audit', import.meta.url));
const journalSchema = z.object({ entries: z.array(z.object({ tag: z.string() })) });
const readySchema = z.object({ notes: z.object({ intake: z.object({ consuming: z.boolean() }) }) });

/** The built audit service with only PostgreSQL (which syncs) and NATS, in a folder that is removed afterwards. */
export interface AuditService {
  readonly url: string;
  readonly process: Child;
  readonly databaseUrl: string;
  readonly natsUrl: string;
  /** The password of the user `payments`, who may publish events. */
  readonly natsPassword: string;
  readonly issuer: TestIssuer;
  /** Another database with the same tables. */
  sameTables(name: string): Promise<pg.Pool>;
  stop(): Promise<void>;
}

async function createTables(pool: pg.Pool): Promise<void> {
  const journal = journalSchema.parse(JSON.parse(readFileSync(join(audit, 'migrations/meta/_journal.json'), 'utf8')));
  for (const { tag } of journal.entries) {
    const statements = readFileSync(join(audit, 'migrations', `${tag}.sql`), 'utf8').split('--> statement-breakpoint');
    for (const statement of statements) await pool.query(statement);
  }
}

async function waitUntilConsuming(url: string, child: Child): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt += 1) {
    if (!child.running()) throw new Error(`the audit service ended at startup:\n${child.lastLines()}`);
    const report = await fetch(`${url}/health/ready`).then(
      (response) => response.json(),
      () => undefined,
    );
    if (readySchema.safeParse(report).data?.notes.intake.consuming === true) return;
    await delay(100);
  }
  throw new Error('the audit service did not begin to consume within a minute');
}

/** Starts the built service on core 0, where the system can pin it. */
export async function startAuditService(): Promise<AuditService> {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-bench-'));
  const passwords = newNatsPasswords();
  const undo: (() => Promise<unknown> | undefined)[] = [];
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    const postgres = await startPostgres({ directory: join(directory, 'postgres'), password: newPassword() });
    undo.push(async () => {
      await postgres.stop();
      rmSync(postgres.directory, { recursive: true, force: true });
    });
    const nats = await startNats({ directory: join(directory, 'nats'), passwords });
    undo.push(() => nats.stop());
    const issuer = await createTestIssuer({ audience: 'audit', listen: true });
    undo.push(() => issuer.close());
    const databaseUrl = await postgres.createDatabase('audit', newPassword());
    const port = await freePort();
    const [command, ...args] = pinned([process.execPath, join(audit, 'dist/main.js')], { core: 0 });
    const child = await startChild({
      command,
      args,
      cwd: audit,
      env: {
        PATH: process.env['PATH'],
        ...serviceVariables('audit', { issuer: issuer.issuer, databaseUrl, backing: { nats, passwords }, port }),
        LOG_KEY: JSON.stringify(generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })),
        LOG_ORIGIN: 'bench.test/log',
      },
    });
    undo.push(() => child.stop('SIGTERM', 15_000));
    const url = `http://127.0.0.1:${String(port)}`;
    await waitUntilConsuming(url, child);
    return {
      url,
      process: child,
      databaseUrl,
      natsUrl: nats.url,
      natsPassword: passwords.payments,
      issuer,
      async sameTables(name) {
        const pool = openPool(await postgres.createDatabase(name, newPassword()), 2);
        undo.push(() => pool.end());
        await createTables(pool);
        return pool;
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
