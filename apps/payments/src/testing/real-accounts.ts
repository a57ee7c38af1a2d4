import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  freePort,
  startBackingServices,
  startChild,
  startDatabases,
  type BackingServices,
  type Child,
  serviceVariables,
} from '@countersign/backing-services';
import { type TokenClient } from '@countersign/auth-core';
import { createTestIssuer, type TestIssuer } from '@countersign/test-kit';
import pg from 'pg';
import { z } from 'zod';

const root = resolve(import.meta.dirname, '../../../..');
const accountSchema = z.looseObject({ id: z.string() });

/** A caller: a subject through a client, with its scopes (all that are not client-wide, when none are named). */
export interface Who {
  readonly subject: string;
  readonly clientId: string;
  readonly scopes?: readonly string[];
  /** A person has signed in `signedInAgo` seconds ago. */
  readonly kind?: 'person';
  readonly signedInAgo?: number;
}

/** An account in euro that belongs to a subject. */
export interface AccountRow {
  readonly id: string;
  readonly owner: string;
  readonly overdraft: 'allowed' | 'forbidden';
}

/** The accounts service as it is built, a separate process on real PostgreSQL, and an issuer whose tokens it takes. */
export interface RealAccounts {
  readonly url: string;
  readonly issuer: TestIssuer;
  readonly backing: BackingServices;
  /** The ledger's own database, to look into. */
  readonly ledger: pg.Pool;
  /** What payments asked tokens for that it acts with, in order. */
  asked(): readonly AskedToken[];
  /** What payments asks the issuer for, minted here: its own tokens, and the caller's exchanged. */
  readonly tokens: TokenClient;
  /** Opens an account in euro that belongs to the caller's subject. @returns its id */
  open(who: string | Who, overdraft: 'allowed' | 'forbidden'): Promise<string>;
  /** Changes the ledger's database as its owner, in one transaction: what no service may do. */
  asOwner(statements: string): Promise<void>;
  /** Opens many at once, as rows: for a test that needs hundreds. */
  openRows(accounts: readonly AccountRow[]): Promise<void>;
  /** Its process is stopped, though its port is open, until it is resumed. */
  suspend(): void;
  resume(): void;
  stop(): Promise<void>;
}

const claimsSchema = z.looseObject({ sub: z.string(), client_id: z.string(), txn: z.string().optional() });

/** For whom payments asked for a token of accounts' audience, and with which scopes. */
export interface AskedToken {
  readonly subject: string;
  readonly scopes: readonly string[];
}

function exchangingTokens(issuer: TestIssuer, asked: AskedToken[]): TokenClient {
  const answer = async (requested: Parameters<TestIssuer['mint']>[0], scopes: readonly string[]) => ({
    token: await issuer.mint({ ...requested, audience: 'accounts', scopes }),
    expiresAt: Math.floor(Date.now() / 1_000) + 300,
    scopes,
    tokenType: 'Bearer' as const,
  });
  return {
    getToken: ({ scopes }) => answer({ clientId: 'payments' }, scopes),
    exchange: ({ scopes, subjectToken }) => {
      const payload: unknown = JSON.parse(Buffer.from(subjectToken.split('.')[1] ?? '', 'base64url').toString());
      const { sub } = claimsSchema.parse(payload);
      asked.push({ subject: sub, scopes });
      return answer({ subject: sub, clientId: 'payments', claims: { act: { sub: 'payments' } } }, scopes);
    },
    forget: () => false,
  };
}

async function untilReady(url: string, child: Child): Promise<void> {
  for (const deadline = Date.now() + 120_000; Date.now() < deadline; await delay(50)) {
    if (!child.running()) break;
    const ready = await fetch(`${url}/health/ready`).then(
      (response) => response.ok,
      () => false,
    );
    if (ready) return;
  }
  throw new Error(`accounts was not ready. Its last lines:\n${child.lastLines()}`);
}

interface AccountsProcess {
  readonly url: string;
  readonly issuer: TestIssuer;
  readonly nats: BackingServices;
  readonly databaseUrl: string;
  readonly child: Child;
}

/** Serves the keys of an issuer for as long as this process has anything else to do. */
async function serveIssuer(): Promise<TestIssuer> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/jwk-set+json' }).end(JSON.stringify(issuer.jwks));
  });
  server.on('connection', (socket) => socket.unref());
  server.listen(0, '127.0.0.1').unref();
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const issuer = await createTestIssuer({ audience: 'payments', issuer: `http://127.0.0.1:${String(port)}` });
  return issuer;
}

async function startAccounts(): Promise<AccountsProcess> {
  const program = join(root, 'apps/accounts/dist/main.js');
  if (!existsSync(program)) throw new Error('accounts is not built. Run: npx nx build accounts');
  const [backing, issuer, port] = await Promise.all([
    startBackingServices({ shared: true }),
    serveIssuer(),
    freePort(),
  ]);
  const databaseUrl = await backing.database('accounts');
  const url = `http://127.0.0.1:${String(port)}`;
  const child = await startChild({
    command: process.execPath,
    args: [program],
    cwd: join(root, 'apps/accounts'),
    env: {
      PATH: process.env['PATH'],
      ...serviceVariables('accounts', { issuer: issuer.issuer, databaseUrl, backing, port }),
    },
    endsWithUs: { signal: 'SIGKILL' },
  });
  await untilReady(url, child);
  return { url, issuer, nats: backing, databaseUrl, child };
}

let shared: Promise<AccountsProcess> | undefined;

export interface RealAccountsOptions {
  /** Its ledger is empty; by default the spec files of this process share one, each with its own accounts. */
  readonly empty?: boolean;
}

export async function startRealAccounts({ empty = false }: RealAccountsOptions = {}): Promise<RealAccounts> {
  const { url, issuer, nats, databaseUrl, child } = await (empty ? startAccounts() : (shared ??= startAccounts()));
  const databases = startDatabases();
  const ledger = new pg.Pool({ connectionString: databaseUrl, max: 2 });
  ledger.on('error', () => undefined);
  const asked: AskedToken[] = [];
  return {
    url,
    issuer,
    backing: { ...databases, nats: nats.nats, passwords: nats.passwords },
    ledger,
    asked: () => asked,
    tokens: exchangingTokens(issuer, asked),
    async open(who, overdraft) {
      const token = await issuer.mint({
        ...(typeof who === 'string' ? { subject: who, clientId: who } : who),
        audience: 'accounts',
        scopes: ['accounts:write', 'accounts:overdraft'],
      });
      const response = await fetch(`${url}/accounts`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'test', kind: 'liability', currency: 'EUR', overdraft }),
      });
      return accountSchema.parse(await response.json()).id;
    },
    async asOwner(statements) {
      const { rows } = await ledger.query<{ owner: string }>(
        'select quote_ident(pg_get_userbyid(datdba)) as owner from pg_database where datname = current_database()',
      );
      await ledger.query(`begin; set local role ${rows[0]?.owner ?? ''}; ${statements}; commit`);
    },
    async openRows(accounts) {
      await ledger.query(
        `insert into account (id, name, kind, currency, overdraft, owner, opened_by, opened_at, changed_at)
         select id, 'test', 'liability', 'EUR', overdraft, owner, owner, now(), now()
         from unnest($1::uuid[], $2::text[], $3::text[]) as opened (id, owner, overdraft)`,
        [accounts.map(({ id }) => id), accounts.map(({ owner }) => owner), accounts.map((one) => one.overdraft)],
      );
    },
    suspend() {
      process.kill(child.pid, 'SIGSTOP');
    },
    resume() {
      process.kill(child.pid, 'SIGCONT');
    },
    async stop() {
      await Promise.all([ledger.end(), databases.stop()]);
      if (!empty) return;
      await child.stop('SIGTERM', 10_000);
      await nats.stop();
    },
  };
}
