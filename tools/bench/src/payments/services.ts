import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateSigningKey, publicJwkOf, type PrivateJwk } from '@countersign/auth-core';
import { freePort, startBackingServices } from '@countersign/backing-services';
import { untilReady } from '../processes.js';
import { tapStatements, type Ledger, type StatementTap, type Step } from './statement-tap.js';

export interface PaymentServices {
  readonly issuer: string;
  readonly accounts: string;
  readonly payments: string;
  /** The client `storefront`, which may pay and open accounts. */
  readonly key: PrivateJwk;
  /** The services' own databases. */
  readonly databases: Readonly<Record<Ledger, string>>;
  /** What payments and accounts have sent to their databases since the last call; nothing unless they were started to be recorded. */
  takeStatements(): readonly Step[];
  stop(): Promise<void>;
}

const edge = (subject_scope: string) => ({
  subject_audience: 'payments',
  subject_scope,
  audience: 'accounts',
  scopes: ['transfers:create'],
});

/**
 * Issuer, accounts and payments as they are built, each a separate process, on real PostgreSQL and NATS.
 * @param recorded whether what they send to their databases can be recorded; that makes them slower
 */
export async function startPaymentServices({ recorded = false } = {}): Promise<PaymentServices> {
  const folder = mkdtempSync(join(tmpdir(), 'payments-'));
  const backing = await startBackingServices();
  const [storefront, payments, webhook] = await Promise.all([
    generateSigningKey(),
    generateSigningKey(),
    generateSigningKey(),
  ]);
  const ports = { issuer: await freePort(), accounts: await freePort(), payments: await freePort() };
  const url = (name: keyof typeof ports): string => `http://127.0.0.1:${String(ports[name])}`;
  const clients = [
    {
      client_id: 'storefront',
      jwks: { keys: [publicJwkOf(storefront)] },
      policy: { audiences: { payments: ['payments:create'], accounts: ['accounts:write', 'accounts:overdraft'] } },
    },
    {
      client_id: 'payments',
      jwks: { keys: [publicJwkOf(payments)] },
      policy: {
        audiences: { accounts: ['transfers:create', 'transfers:read'] },
        exchange: [edge('payments:create')],
      },
    },
  ];
  writeFileSync(join(folder, 'clients.json'), JSON.stringify({ clients }));
  const own = {
    issuer: {
      CLIENTS_FILE: join(folder, 'clients.json'),
      KEY_ENCRYPTION_KEYS: `bench:${randomBytes(32).toString('base64url')}`,
    },
    accounts: {},
    payments: {
      ACCOUNTS_URL: url('accounts'),
      CLIENT_KEY: JSON.stringify(payments),
      WEBHOOK_KEYS: JSON.stringify({ keys: [webhook] }),
      WEBHOOK_TARGETS: 'any',
    },
  };
  const databases = {
    issuer: await backing.database('issuer'),
    accounts: await backing.database('accounts'),
    payments: await backing.database('payments'),
  };
  const taps: StatementTap[] = [];
  let passed: Step[] = [];
  const reached: Record<keyof typeof databases, string> = { ...databases };
  for (const database of recorded ? (['payments', 'accounts'] as const) : []) {
    const tap = await tapStatements(databases[database], (statement) => passed.push({ ...statement, database }));
    taps.push(tap);
    reached[database] = tap.url;
  }
  const children: ChildProcess[] = [];
  for (const name of ['issuer', 'accounts', 'payments'] as const) {
    const program = fileURLToPath(new URL(`../../../../apps/${name}/dist/main.js`, import.meta.url));
    const child = spawn(process.execPath, [program], {
      env: {
        PATH: process.env['PATH'],
        NODE_ENV: 'production',
        PORT: String(ports[name]),
        LOG_LEVEL: 'error',
        ISSUER_URL: url('issuer'),
        DATABASE_URL: reached[name],
        NATS_URL: backing.nats.url,
        NATS_USER: name,
        NATS_PASSWORD: backing.passwords[name],
        ...own[name],
      },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    children.push(child);
    await untilReady(`${url(name)}/health/ready`, child);
  }
  return {
    issuer: url('issuer'),
    accounts: url('accounts'),
    payments: url('payments'),
    key: storefront,
    databases,
    takeStatements() {
      const taken = passed;
      passed = [];
      return taken;
    },
    async stop() {
      for (const child of children) child.kill('SIGTERM');
      await Promise.all(children.map((child) => (child.exitCode === null ? once(child, 'exit') : undefined)));
      for (const tap of taps) tap.close();
      await backing.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
