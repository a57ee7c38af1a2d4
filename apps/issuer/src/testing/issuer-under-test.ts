import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  generateSigningKey,
  publicJwkOf,
  signClientAssertion,
  type PrivateJwk,
  CLIENT_ASSERTION_TYPE,
} from '@countersign/auth-core';
import { freePort, startBackingServices, type BackingServices } from '@countersign/backing-services';
import { createService, loadConfiguration } from '@countersign/service-host';
import { outboxData, outboxFaults, outboxKinds } from '@countersign/test-kit';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import pg from 'pg';
import { variables } from '../configuration.js';
import { events } from '../events.js';
import { IssuerModule } from '../issuer.module.js';
import { migrate } from './migrate.js';

/** An answer of the issuer. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Replicas of the issuer on one database, with real PostgreSQL and NATS, for specs. */
export interface IssuerUnderTest {
  readonly backing: BackingServices;
  /** The issuer's identifier, where the first replica listens. */
  readonly url: string;
  /** One a replica. */
  readonly urls: readonly string[];
  readonly database: pg.Client;
  readonly databaseUrl: string;
  /** The first replica. */
  readonly app: NestFastifyApplication;
  /** All replicas, in the order of their URLs. */
  readonly apps: readonly NestFastifyApplication[];
  /** The key-encryption key as configured: `id:key`. */
  readonly kek: string;
  readonly keys: Readonly<Record<'shop' | 'payments' | 'operator', PrivateJwk>>;
  /** A client assertion, good once. */
  assertion(clientId?: 'shop' | 'payments' | 'operator'): Promise<string>;
  /** What authenticates a client in a form (RFC 7523, section 2.2), good once. */
  credentials(
    clientId?: 'shop' | 'payments' | 'operator',
  ): Promise<{ readonly client_assertion_type: string; readonly client_assertion: string }>;
  /** Asks the token endpoint, as `shop` unless the form brings an assertion. */
  token(
    form: Readonly<Record<string, string>>,
    at?: string,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answer>;
  /** Calls the admin API as `operator`. */
  admin(
    method: string,
    path: string,
    body?: object,
    at?: string,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Answer>;
  /** Writes a JSON file that lives as long as the issuer. @returns its path */
  fileOf(name: string, content: object): string;
  /** Starts one more replica with other variables. @returns its URL */
  join(environment: Readonly<Record<string, string>>): Promise<string>;
  /** The kinds of audit events recorded so far, with their outcomes: `token.issued allowed`. */
  recorded(): Promise<readonly string[]>;
  /** The data of the events of one type, oldest first. @param name as in the catalogue: `token.issued` */
  dataOf(name: string): ReturnType<typeof outboxData>;
  /** @throws {Error} if a recorded event does not match the catalogue */
  stop(): Promise<void>;
}

const edge = {
  subject_audience: 'payments',
  subject_scope: 'payments:create',
  audience: 'accounts',
  scopes: ['transfers:create'],
};

async function readAnswer(response: Response): Promise<Answer> {
  const text = await response.text();
  const body: unknown = text === '' ? {} : JSON.parse(text);
  const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
  return { status: response.status, headers: response.headers, body: isRecord(body) ? body : {} };
}

/**
 * @param environment further variables for every replica
 * @param replicas how many
 */
export async function startIssuer(
  environment: Readonly<Record<string, string>> = {},
  replicas = 1,
): Promise<IssuerUnderTest> {
  const folder = mkdtempSync(join(tmpdir(), 'issuer-'));
  const [shop, payments, operator] = await Promise.all([
    generateSigningKey(),
    generateSigningKey(),
    generateSigningKey(),
  ]);
  const keys = { shop, payments, operator };
  const backing = await startBackingServices();
  const databaseUrl = await backing.database('issuer', migrate);
  const jwks = (key: PrivateJwk) => ({ keys: [publicJwkOf(key)] });
  const clients = [
    { client_id: 'shop', jwks: jwks(shop), policy: { audiences: { payments: ['payments:create', 'payments:read'] } } },
    {
      client_id: 'payments',
      jwks: jwks(payments),
      policy: { audiences: { issuer: ['api-keys:report'] }, exchange: [edge] },
    },
    { client_id: 'operator', jwks: jwks(operator), policy: { audiences: { issuer: ['issuer:admin'] } } },
  ];
  writeFileSync(join(folder, 'clients.json'), JSON.stringify({ clients }));
  const ports: number[] = [];
  for (let index = 0; index < replicas; index += 1) ports.push(await freePort());
  const urls = ports.map((port) => `http://127.0.0.1:${String(port)}`);
  const [url = ''] = urls;
  const kek = `test:${randomBytes(32).toString('base64url')}`;
  const startReplica = async (
    port: number,
    further: Readonly<Record<string, string>>,
  ): Promise<NestFastifyApplication> => {
    const configuration = loadConfiguration(variables, {
      PORT: String(port),
      LOG_LEVEL: 'silent',
      ISSUER_URL: url,
      DATABASE_URL: databaseUrl,
      NATS_URL: backing.nats.url,
      NATS_USER: 'issuer',
      NATS_PASSWORD: backing.passwords.issuer,
      CLIENTS_FILE: join(folder, 'clients.json'),
      KEY_ENCRYPTION_KEYS: kek,
      ...environment,
      ...further,
    });
    const app = await createService({
      name: 'issuer',
      configuration,
      module: IssuerModule.forRoot(configuration),
    });
    await app.listen(port, '127.0.0.1');
    return app;
  };
  // In the order of their URLs, whichever is ready first.
  const apps = await Promise.all(ports.map((port) => startReplica(port, {})));
  const [app] = apps;
  if (app === undefined) throw new Error('an issuer has at least one replica');
  const database = new pg.Client({ connectionString: databaseUrl });
  await database.connect();

  const assertion = (clientId: keyof typeof keys = 'shop'): Promise<string> =>
    signClientAssertion({ clientId, audience: url, key: keys[clientId] });
  const credentials: IssuerUnderTest['credentials'] = async (clientId) => ({
    client_assertion_type: CLIENT_ASSERTION_TYPE,
    client_assertion: await assertion(clientId),
  });
  const token: IssuerUnderTest['token'] = async (form, at = url, headers = {}) => {
    const authenticates = 'client_assertion' in form || 'authorization' in headers;
    const own = authenticates ? {} : await credentials();
    const body = new URLSearchParams({ grant_type: 'client_credentials', ...own, ...form });
    return readAnswer(await fetch(`${at}/oauth2/token`, { method: 'POST', body, headers }));
  };
  let adminToken: string | undefined;
  const newAdminToken = async (): Promise<string> => {
    const { body } = await token({ audience: 'issuer', scope: 'issuer:admin', ...(await credentials('operator')) });
    return String(body['access_token']);
  };
  const admin: IssuerUnderTest['admin'] = async (method, path, body, at = url, further = {}) => {
    const call = async (bearer: string): Promise<Answer> => {
      const headers = { ...further, authorization: `Bearer ${bearer}` };
      return readAnswer(
        await fetch(`${at}${path}`, { method, ...(body === undefined ? { headers } : json(body, headers)) }),
      );
    };
    adminToken ??= await newAdminToken();
    const answer = await call(adminToken);
    if (answer.status !== 401) return answer;
    // The key that signed it was revoked.
    adminToken = await newAdminToken();
    return call(adminToken);
  };
  return {
    backing,
    url,
    urls,
    database,
    databaseUrl,
    app,
    apps,
    keys,
    assertion,
    credentials,
    token,
    admin,
    kek,
    fileOf(name, content) {
      writeFileSync(join(folder, name), JSON.stringify(content));
      return join(folder, name);
    },
    async join(further) {
      const port = await freePort();
      apps.push(await startReplica(port, further));
      return `http://127.0.0.1:${String(port)}`;
    },
    recorded: () => outboxKinds(database, events),
    dataOf: (name) => outboxData(database, events, name),
    async stop() {
      await Promise.all(apps.map((app) => app.close()));
      const faults = await outboxFaults(database, events);
      await database.end();
      await backing.stop();
      rmSync(folder, { recursive: true, force: true });
      if (faults.length > 0) throw new Error(faults.join('\n'));
    },
  };
}

function json(body: object, headers: Readonly<Record<string, string>>): RequestInit {
  return { body: JSON.stringify(body), headers: { ...headers, 'content-type': 'application/json' } };
}
