import { randomUUID } from 'node:crypto';
import { serviceVariables, startBackingServices } from '@countersign/backing-services';
import { createService, loadConfiguration } from '@countersign/service-host';
import { createTestIssuer, outboxFaults, outboxKinds } from '@countersign/test-kit';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import pg from 'pg';
import { z } from 'zod';
import { AccountsModule } from '../accounts.module.js';
import { variables } from '../configuration.js';
import { events } from '../events.js';
import { migrate } from './migrate.js';

/** Who calls, in a test: by default an application that acts for itself. */
export interface Who {
  readonly subject: string;
  readonly clientId?: string;
  readonly scopes?: readonly string[];
  readonly actors?: readonly string[];
}

export interface Answer {
  readonly status: number;
  /** Whether it is the response to an earlier request with the same Idempotency-Key. */
  readonly replayed: boolean;
  readonly body: Readonly<Record<string, unknown>>;
}

export const usualScopes = ['accounts:write', 'accounts:read', 'transfers:create', 'transfers:read'];
export const admin: Who = { subject: 'admin', scopes: [...usualScopes, 'accounts:admin', 'accounts:overdraft'] };
export const auditor: Who = { subject: 'auditor', scopes: ['accounts:read', 'transfers:read', 'accounts:audit'] };

const idSchema = z.object({ id: z.string() });

/** The real service on real PostgreSQL and NATS, called without a socket. */
export interface LedgerUnderTest {
  readonly app: NestFastifyApplication;
  readonly pool: pg.Pool;
  call(
    method: 'GET' | 'POST' | 'PUT' | 'PATCH',
    path: string,
    who: Who,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answer>;
  /** The ids in a list, page by page. @param path with a query */
  idsOf(list: 'accounts' | 'transfers', path: string, who: Who): Promise<readonly string[]>;
  /** Opens an account in euro for this subject. @returns its id */
  open(who: Who, more?: object): Promise<string>;
  /** Opens an administrator's account that may be overdrawn, and moves this amount from it. */
  fund(account: string, amount: string): Promise<void>;
  /** The amounts in an account's JSON: balance, held, available. */
  standing(account: string): Promise<readonly unknown[]>;
  /** The kinds of audit events recorded so far, with their outcomes: `transfer.posted allowed`. */
  recorded(): Promise<readonly string[]>;
  /** @throws {Error} if a recorded event does not match the catalogue */
  stop(): Promise<void>;
}

export const euro = (amount: string | bigint): object => ({ amount: amount.toString(), currency: 'EUR' });

export const transfer = (
  debit: string,
  credit: string,
  amount: string,
  more: object = {},
): { readonly id: string; readonly [member: string]: unknown } => ({
  id: randomUUID(),
  debit_account: debit,
  credit_account: credit,
  amount: euro(amount),
  ...more,
});

export async function startLedger(environment: Readonly<Record<string, string>> = {}): Promise<LedgerUnderTest> {
  const [services, issuer] = await Promise.all([
    startBackingServices(),
    createTestIssuer({ audience: 'accounts', listen: true }),
  ]);
  const url = await services.database('accounts', migrate);
  const configuration = loadConfiguration(variables, {
    ...serviceVariables('accounts', {
      issuer: issuer.issuer,
      databaseUrl: url,
      backing: services,
      logLevel: 'fatal',
    }),
    ...environment,
  });
  const app = await createService({
    name: 'accounts',
    configuration,
    module: AccountsModule.forRoot(configuration),
  });
  await app.getHttpAdapter().getInstance().ready();
  const pool = new pg.Pool({ connectionString: url });
  pool.on('error', () => undefined);
  const tokens = new Map<string, string>();

  async function tokenOf(who: Who): Promise<string> {
    const key = JSON.stringify(who);
    const act = (who.actors ?? []).reduceRight<object | undefined>(
      (inner, sub) => ({ sub, ...(inner && { act: inner }) }),
      undefined,
    );
    const token =
      tokens.get(key) ??
      (await issuer.mint({
        subject: who.subject,
        clientId: who.clientId ?? who.subject,
        scopes: who.scopes ?? usualScopes,
        claims: { txn: `txn-${who.subject}`, ...(act && { act }) },
      }));
    tokens.set(key, token);
    return token;
  }

  const call: LedgerUnderTest['call'] = async (method, path, who, body, headers = {}) => {
    const response = await app.inject({
      method,
      url: path,
      headers: { ...headers, authorization: `Bearer ${await tokenOf(who)}` },
      ...(body === undefined ? {} : { payload: JSON.parse(JSON.stringify(body)) as object }),
    });
    return {
      status: response.statusCode,
      replayed: response.headers['idempotency-replayed'] === 'true',
      body: z.record(z.string(), z.unknown()).parse(response.json()),
    };
  };
  const open: LedgerUnderTest['open'] = async (who, more = {}) => {
    const answer = await call('POST', '/accounts', who, { name: 'test', kind: 'liability', currency: 'EUR', ...more });
    return idSchema.parse(answer.body).id;
  };
  return {
    app,
    pool,
    call,
    async idsOf(list, path, who) {
      const ids: string[] = [];
      for (let cursor: unknown = ''; cursor !== null;) {
        const { body } = await call('GET', `${path}${cursor === '' ? '' : `&cursor=${String(cursor)}`}`, who);
        ids.push(
          ...z
            .array(idSchema)
            .parse(body[list])
            .map(({ id }) => id),
        );
        cursor = body['next_cursor'];
      }
      return ids;
    },
    open,
    async fund(account, amount) {
      const source = await open(admin, { overdraft: 'allowed' });
      const answer = await call('POST', '/transfers', admin, transfer(source, account, amount));
      if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
    },
    async standing(account) {
      const { body } = await call('GET', `/accounts/${account}`, admin);
      return ['balance', 'held', 'available'].map((name) => z.object({ amount: z.string() }).parse(body[name]).amount);
    },
    recorded: () => outboxKinds(pool, events),
    async stop() {
      await app.close();
      const faults = await outboxFaults(pool, events);
      await Promise.all([pool.end(), issuer.close()]);
      await services.stop();
      if (faults.length > 0) throw new Error(faults.join('\n'));
    },
  };
}

/** Works as the database's owner with every trigger of the ledger off, in a transaction that is then rolled back. */
export async function asOwner<Result>(
  pool: pg.Pool,
  work: (client: pg.PoolClient) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect();
  try {
    const { rows } = await client.query<{ owner: string }>(
      'select pg_get_userbyid(datdba) as owner from pg_database where datname = current_database()',
    );
    await client.query(`begin; set local role ${client.escapeIdentifier(rows[0]?.owner ?? '')}`);
    for (const table of ['account', 'transfer', 'leg', 'hold', 'entry'])
      await client.query(`alter table ${table} disable trigger user`);
    return await work(client);
  } finally {
    await client.query('rollback');
    client.release();
  }
}
