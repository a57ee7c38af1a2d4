import { randomUUID } from 'node:crypto';
import { generateSigningKey } from '@countersign/auth-core';
import { serviceVariables } from '@countersign/backing-services';
import { createService, loadConfiguration } from '@countersign/service-host';
import { outboxData, outboxFaults, outboxKinds } from '@countersign/test-kit';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import pg from 'pg';
import { z } from 'zod';
import { variables } from '../configuration.js';
import { events } from '../events.js';
import { PaymentsModule } from '../payments.module.js';
import { migrate } from './migrate.js';
import { startRealAccounts, type RealAccounts, type RealAccountsOptions, type Who } from './real-accounts.js';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Readonly<Record<string, unknown>>;
}

export const allScopes = ['payments:create', 'payments:read', 'payments:refund', 'webhooks:read', 'webhooks:write'];

/** The real service on real PostgreSQL, with the real accounts service behind it; called without a socket. */
export interface PaymentsUnderTest {
  readonly accounts: RealAccounts;
  readonly pool: pg.Pool;
  /** Sends as the caller, with a fresh Idempotency-Key on each POST unless one is named (or an empty one: none). An empty body is called JSON. */
  call(
    who: string | Who,
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    body?: object | '',
    key?: string,
  ): Promise<Answer>;
  /** Types of the audit events about a resource, oldest first. */
  eventsOf(resource: string): Promise<readonly string[]>;
  /** What `/metrics` shows. */
  metrics(): Promise<string>;
  /** Ends the process's part of the service and starts it again on the same database. */
  restart(): Promise<void>;
  /** The kinds of audit events recorded so far, with their outcomes: `payment.settled allowed`. */
  recorded(): Promise<readonly string[]>;
  /** The data of the events of one type, oldest first. @param name as in the catalogue: `payment.settled` */
  dataOf(name: string): ReturnType<typeof outboxData>;
  /** @throws {Error} if a recorded event does not match the catalogue */
  stop(): Promise<void>;
}

export const euro = (amount: string | bigint): object => ({ amount: amount.toString(), currency: 'EUR' });

const eventSchema = z.looseObject({ type: z.string(), data: z.looseObject({ outcome: z.string() }) });

export async function startPayments(
  environment: Readonly<Record<string, string>> = {},
  options: RealAccountsOptions = {},
): Promise<PaymentsUnderTest> {
  const accounts = await startRealAccounts(options);
  const { backing, issuer } = accounts;
  const databaseUrl = await backing.database('payments', migrate);
  const [clientKey, webhookKey] = await Promise.all([generateSigningKey(), generateSigningKey()]);
  const configuration = loadConfiguration(variables, {
    ...serviceVariables('payments', { issuer: issuer.issuer, databaseUrl, backing, logLevel: 'fatal' }),
    ACCOUNTS_URL: accounts.url,
    ACCOUNTS_TIMEOUT_MS: '20000',
    ACCOUNTS_DEADLINE_MS: '60000',
    CLIENT_KEY: JSON.stringify(clientKey),
    WEBHOOK_KEYS: JSON.stringify({ keys: [webhookKey] }),
    WEBHOOK_TARGETS: 'any',
    ...environment,
  });
  const start = async (): Promise<NestFastifyApplication> => {
    const module = PaymentsModule.forRoot(configuration, accounts.tokens);
    const started = await createService({ name: 'payments', configuration, module });
    await started.getHttpAdapter().getInstance().ready();
    return started;
  };
  let app = await start();
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 4 });
  pool.on('error', () => undefined);
  return {
    accounts,
    pool,
    async call(who, method, url, body, key = randomUUID()) {
      const caller = typeof who === 'string' ? { subject: who, clientId: who } : who;
      const token = await issuer.mint({ scopes: allScopes, ...caller, audience: 'payments' });
      const answer = await app.inject({
        method,
        url,
        headers: {
          authorization: `Bearer ${token}`,
          ...(method === 'POST' && key !== '' ? { 'idempotency-key': key } : {}),
          ...(body === '' ? { 'content-type': 'application/json' } : {}),
        },
        ...(body === undefined ? {} : { payload: body }),
      });
      const parsed = z.record(z.string(), z.unknown()).safeParse(answer.body === '' ? {} : answer.json());
      return { status: answer.statusCode, headers: answer.headers, body: parsed.data ?? {} };
    },
    async eventsOf(resource) {
      const { rows } = await pool.query<{ event: unknown }>(
        `select event from audit_outbox_event where event->'data'->>'resource' = $1 order by position`,
        [resource],
      );
      return rows.map(({ event }) => eventSchema.parse(event).type.split('.').slice(2, 4).join('.'));
    },
    async metrics() {
      return (await app.inject({ method: 'GET', url: '/metrics' })).body;
    },
    async restart() {
      await app.close();
      app = await start();
    },
    recorded: () => outboxKinds(pool, events),
    dataOf: (name) => outboxData(pool, events, name),
    async stop() {
      await app.close();
      const faults = await outboxFaults(pool, events);
      await pool.end();
      await accounts.stop();
      if (faults.length > 0) throw new Error(faults.join('\n'));
    },
  };
}
