import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { testFolder } from '@countersign/backing-services';
import { auditEventSchema } from '@countersign/audit-event';
import {
  createTokenClient,
  generateSigningKey,
  makeApiKey,
  publicJwkOf,
  type TokenClient,
} from '@countersign/auth-core';
import { badTokens, createTestIssuer, eventFaults } from '@countersign/test-kit';
import pg from 'pg';
import { z } from 'zod';
import { countersign } from './countersign.js';
import { documentedEvents } from './documented-events.js';
import { freePortBase } from './free-ports.js';
import { OutsideRealm } from './outside-realm.js';
import { makeSamplePayment } from './sample-payment.js';
import { walkRevocation } from './revocation-walk.js';
import { serviceNames, waitUntilReady, type ServiceName } from './services.js';
import { shortTimes } from './short-times.js';
import { startStack, type Stack } from './stack.js';

const accountSchema = z.object({ id: z.string(), balance: z.object({ amount: z.string() }) });
const foundSchema = z.object({
  events: z.array(
    z.object({
      log_index: z.string(),
      event: z.looseObject({
        id: z.string(),
        type: z.string(),
        source: z.string(),
        sequence: z.string(),
        data: z.looseObject({
          principal: z.looseObject({ actors: z.array(z.string()) }).nullable(),
          reason: z.string().optional(),
        }),
      }),
    }),
  ),
  next_cursor: z.string().nullable(),
});
type Found = z.infer<typeof foundSchema>['events'][number];

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
}

async function send(
  method: string,
  url: string,
  token?: string,
  body?: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body }),
  });
  const parsed = z.record(z.string(), z.unknown()).safeParse(await response.json().catch(() => ({})));
  return { status: response.status, headers: response.headers, body: parsed.data ?? {} };
}

/** What is written once and stays: tables of each service, and a column of each. */
const unchanging: Readonly<Partial<Record<ServiceName, Readonly<Record<string, string>>>>> = {
  accounts: { entry: 'amount', transfer: 'reference', leg: 'amount', account: 'owner' },
  payments: { payment: 'amount', refund: 'amount' },
  audit: { event: 'outcome' },
};

const apiKeySchema = z.looseObject({ id: z.string(), api_key: z.string() });

/** The files below a folder that have a text in them. */
function filesWith(folder: string, text: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((path) => readFileSync(path).includes(text));
}

describe('the whole stack, over HTTP between real processes', () => {
  const root = resolve(import.meta.dirname, '../../..');
  const directory = testFolder();
  let stack: Stack;
  let realm: OutsideRealm;
  let storefront: TokenClient;
  let auditor: TokenClient;
  /** What all services wrote. */
  const said: string[] = [];

  const paymentsToken = async (): Promise<string> =>
    (await storefront.getToken({ audience: 'payments', scopes: ['payments:create', 'payments:read'] })).token;
  const accountsToken = async (): Promise<string> =>
    (
      await storefront.getToken({
        audience: 'accounts',
        scopes: ['accounts:write', 'accounts:overdraft', 'accounts:read'],
      })
    ).token;

  async function open(overdraft: 'allowed' | 'forbidden'): Promise<string> {
    const body = JSON.stringify({ name: 'test', kind: 'liability', currency: 'EUR', overdraft });
    const answer = await send('POST', `${stack.urls.accounts}/accounts`, await accountsToken(), body);
    expect(answer.status).toBe(201);
    return accountSchema.parse(answer.body).id;
  }
  async function balance(id: string): Promise<bigint> {
    const answer = await send('GET', `${stack.urls.accounts}/accounts/${id}`, await accountsToken());
    return BigInt(accountSchema.parse(answer.body).balance.amount);
  }
  const order = (from: string, to: string, amount = '100', extra: object = {}): string =>
    JSON.stringify({ amount: { amount, currency: 'EUR' }, from, to, reference: 'test', ...extra });
  const pay = async (body: string, key: string = randomUUID()): Promise<Answer> =>
    send('POST', `${stack.urls.payments}/payments`, await paymentsToken(), body, { 'idempotency-key': key });

  /** A connection as the service has it, to its own database or, without success, to another's. */
  async function databaseOf(role: ServiceName, database: ServiceName = role): Promise<pg.Client> {
    const password = stack.identities.databasePasswords[role];
    const connectionString = `postgres://${role}:${password}@127.0.0.1:${String(stack.postgres.port)}/${database}`;
    const client = new pg.Client({ connectionString });
    await client.connect();
    return client;
  }

  async function search(query: string): Promise<readonly Found[]> {
    const { token } = await auditor.getToken({ audience: 'audit', scopes: ['audit:read'] });
    const found: Found[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const url = `${stack.urls.audit}/events?limit=200&${query}${cursor === '' ? '' : `&cursor=${cursor}`}`;
      const page = foundSchema.parse((await send('GET', url, token)).body);
      found.push(...page.events);
      cursor = page.next_cursor;
    }
    return found;
  }
  async function eventually(
    query: string,
    enough: (found: readonly Found[]) => boolean,
    limitMs = 20_000,
  ): Promise<readonly Found[]> {
    const deadline = Date.now() + limitMs;
    for (;;) {
      const found = await search(query);
      if (enough(found) || Date.now() > deadline) return found;
      await delay(100);
    }
  }
  const settledOf = (payment: unknown): string =>
    `resource=payment/${String(payment)}&type=countersign.payments.payment.settled.v1`;

  beforeAll(async () => {
    realm = await OutsideRealm.start();
    const trust = join(directory, 'trusted-issuers.json');
    realm.writeTrust(trust);
    stack = await startStack({
      root,
      directory,
      portBase: await freePortBase(),
      without: [],
      onStep: () => undefined,
      onLine: (_, line) => said.push(line),
      fast: true,
      environment: {
        issuer: { TRUSTED_ISSUERS_FILE: trust },
        payments: shortTimes.payments ?? {},
        audit: { REVOCATION_WHEN_LOST: 'refuse' },
      },
    });
    const { issuer } = stack.urls;
    storefront = createTokenClient({ issuer, clientId: 'storefront', key: stack.identities.clients.storefront });
    auditor = createTokenClient({ issuer, clientId: 'auditor', key: stack.identities.clients.auditor });
  }, 180_000);
  afterAll(async () => {
    realm.close();
    await stack.stop();
    for (const folder of [directory, stack.postgres.directory]) rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  it('carries one payment through four services, and its trail names who acted on whose behalf', async () => {
    const { storefront: storefrontKey, auditor: auditorKey } = stack.identities.clients;
    const result = await makeSamplePayment({ ...stack.urls, storefrontKey, auditorKey });
    expect(result.ok).toBe(true);
    expect(result.balances.map(({ balance: { amount } }) => amount)).toEqual(['-1999', '1999']);
    const posted = result.events.find(({ type }) => type === 'countersign.accounts.transfer.posted.v1');
    expect(posted?.data.principal).toMatchObject({
      subject: 'storefront',
      client_id: 'payments',
      actors: ['payments'],
    });
    const exchanges = result.events.filter(({ data }) => data.action === 'token:exchange');
    expect(exchanges).toHaveLength(1);
  });

  it("carries a payment of a company's Keycloak user, the whole chain in token and trail", async () => {
    const { issuer, accounts, payments } = stack.urls;
    const key = await generateSigningKey();
    const edge = { subject_issuer: 'acme', subject_audience: 'portal-api', subject_scope: 'orders:pay' };
    const client = {
      client_id: 'portal',
      jwks: { keys: [publicJwkOf(key)] },
      policy: {
        outside_exchange: [
          { ...edge, audience: 'accounts', scopes: ['accounts:write', 'accounts:overdraft', 'accounts:read'] },
          { ...edge, audience: 'payments', scopes: ['payments:create', 'payments:read'] },
        ],
      },
    };
    const operator = createTokenClient({ issuer, clientId: 'operator', key: stack.identities.clients.operator });
    const { token: admin } = await operator.getToken({ audience: 'issuer', scopes: ['issuer:admin'] });
    const keyed = { 'idempotency-key': randomUUID() };
    expect((await send('POST', `${issuer}/admin/clients`, admin, JSON.stringify(client), keyed)).status).toBe(201);

    const subjectToken = realm.tokenOf('f1c4f64e');
    const portal = createTokenClient({ issuer, clientId: 'portal', key });
    const tokenFor = async (audience: string, ...scopes: string[]): Promise<string> =>
      (await portal.exchange({ subjectToken, audience, scopes })).token;
    const atAccounts = await tokenFor('accounts', 'accounts:write', 'accounts:overdraft', 'accounts:read');
    const account = JSON.stringify({ name: 'Ada', kind: 'liability', currency: 'EUR', overdraft: 'allowed' });
    const from = accountSchema.parse((await send('POST', `${accounts}/accounts`, atAccounts, account)).body).id;
    const to = await open('forbidden');
    const atPayments = await tokenFor('payments', 'payments:create', 'payments:read');
    const paid = await send('POST', `${payments}/payments`, atPayments, order(from, to, '250'), {
      'idempotency-key': randomUUID(),
    });
    expect([paid.status, paid.body['status']]).toEqual([201, 'settled']);
    expect(await balance(to)).toBe(250n);

    const posted = (found: readonly Found[]): Found | undefined =>
      found.find(({ event }) => event.type === 'countersign.accounts.transfer.posted.v1');
    const trail = await eventually('subject=acme%7Cf1c4f64e', (found) => posted(found) !== undefined);
    expect(posted(trail)?.event.data.principal).toMatchObject({
      subject: 'acme|f1c4f64e',
      client_id: 'payments',
      actors: ['payments', 'portal', 'acme|web'],
    });
    // Somebody else of the same company is not the owner of that account.
    const other = await portal.exchange({
      subjectToken: realm.tokenOf('bob'),
      audience: 'payments',
      scopes: ['payments:create'],
    });
    const refused = await send('POST', `${payments}/payments`, other.token, order(from, to), {
      'idempotency-key': randomUUID(),
    });
    expect([refused.status, await balance(to)]).toEqual([422, 250n]);
  });

  it('refuses every kind of bad token with its own code, a challenge, and a record of it', async () => {
    const issuer = await createTestIssuer({
      issuer: stack.urls.issuer,
      key: stack.identities.signingKey,
      audience: 'payments',
    });
    const good = await issuer.mint({ scopes: ['payments:read'] });
    expect((await send('GET', `${stack.urls.payments}/payments`, good)).status).toBe(200);
    for (const { name, token, code } of await badTokens(issuer)) {
      if (token === '' || token.length > 12_000) continue;
      const { status, headers, body } = await send('GET', `${stack.urls.payments}/payments`, token);
      expect({ name, status, code: body['code'] }).toEqual({ name, status: 401, code });
      expect(headers.get('www-authenticate')).toMatch(/^Bearer realm="payments", error="invalid_token"/);
    }
    const recorded = await eventually('outcome=denied&source=payments', (found) =>
      found.some(({ event }) => event.data.reason === 'SIGNATURE_INVALID'),
    );
    expect(new Set(recorded.map(({ event }) => event.data.reason))).toContain('KEY_UNKNOWN');
  });

  it('answers 401 without a token, naming no error, and 403 with the scope that is missing', async () => {
    const none = await send('GET', `${stack.urls.payments}/payments`);
    expect(none.status).toBe(401);
    expect(none.headers.get('www-authenticate')).toBe(
      `Bearer realm="payments", resource_metadata="${stack.urls.payments}/.well-known/oauth-protected-resource"`,
    );
    expect(none.headers.get('content-type')).toMatch('application/problem+json');
    const { token } = await storefront.getToken({ audience: 'payments', scopes: ['payments:read'] });
    const body = order(randomUUID(), randomUUID());
    const missing = await send('POST', `${stack.urls.payments}/payments`, token, body, { 'idempotency-key': 'scope' });
    expect(missing.status).toBe(403);
    expect(missing.headers.get('www-authenticate')).toMatch(/error="insufficient_scope".*scope="payments:create"/);
  });

  it("refuses another service's token", async () => {
    const answer = await send('GET', `${stack.urls.payments}/payments`, await accountsToken());
    expect([answer.status, answer.body['code']]).toEqual([401, 'AUDIENCE_MISMATCH']);
  });

  it('refuses a body that is not JSON, is too large, or has fields that nobody knows', async () => {
    const [from, to] = [randomUUID(), randomUUID()];
    const codes = [
      await pay('{"amount":'),
      await pay(order(from, to, '100', { reference: 'x'.repeat(70_000) })),
      await pay(order(from, to, '100', { discount: true })),
      await pay(order(from, to, '-5')),
    ].map(({ status, body }) => [status, body['code']]);
    expect(codes).toEqual([
      [400, 'BODY_NOT_JSON'],
      [413, 'BODY_TOO_LARGE'],
      [400, 'REQUEST_INVALID'],
      [400, 'REQUEST_INVALID'],
    ]);
    const keyless = await send('POST', `${stack.urls.payments}/payments`, await paymentsToken(), order(from, to));
    expect([keyless.status, keyless.body['code']]).toEqual([400, 'IDEMPOTENCY_KEY_MISSING']);
  });

  it('pays once under one Idempotency-Key, in sequence and concurrently', async () => {
    const [from, to] = [await open('allowed'), await open('forbidden')];
    const key = randomUUID();
    const answers = await Promise.all(Array.from({ length: 8 }, () => pay(order(from, to), key)));
    expect(answers.map(({ status }) => status).filter((status) => status !== 201 && status !== 409)).toEqual([]);
    const again = await pay(order(from, to), key);
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([201, 'true']);
    const ids = new Set([...answers, again].filter(({ status }) => status === 201).map(({ body }) => body['id']));
    expect(ids.size).toBe(1);
    expect(await balance(to)).toBe(100n);
    const other = await pay(order(from, to, '101'), key);
    expect([other.status, other.body['code']]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
  });

  it('moves nothing when funds are insufficient, also when many try at once', async () => {
    const [source, purse, to] = [await open('allowed'), await open('forbidden'), await open('forbidden')];
    const refused = await pay(order(purse, to));
    expect([refused.status, refused.body['code']]).toEqual([422, 'INSUFFICIENT_FUNDS']);
    expect((await pay(order(source, purse, '250'))).status).toBe(201);
    const answers = await Promise.all(Array.from({ length: 6 }, () => pay(order(purse, to))));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(2);
    expect([await balance(source), await balance(purse), await balance(to)]).toEqual([-250n, 50n, 200n]);
  });

  it('lets a client see its own payments only', async () => {
    const issuer = await createTestIssuer({
      issuer: stack.urls.issuer,
      key: stack.identities.signingKey,
      audience: 'payments',
    });
    const paid = await pay(order(await open('allowed'), await open('forbidden')));
    const url = `${stack.urls.payments}/payments/${String(paid.body['id'])}`;
    expect((await send('GET', url, await paymentsToken())).status).toBe(200);
    const stranger = await issuer.mint({ clientId: 'stranger', scopes: ['payments:read'] });
    expect((await send('GET', url, stranger)).status).toBe(404);
  });

  it('settles payments while NATS is down, and their events arrive when it is back', async () => {
    const [from, to] = [await open('allowed'), await open('forbidden')];
    await stack.nats.stop();
    const paid = await pay(order(from, to));
    expect(paid.status).toBe(201);
    await stack.nats.start();
    // It refuses requests until it has the revocations again.
    await waitUntilReady('audit', stack.urls.audit);
    expect(await eventually(settledOf(paid.body['id']), (found) => found.length > 0)).toHaveLength(1);
  });

  it('loses nothing while audit is down, even when it is killed', async () => {
    const [from, to] = [await open('allowed'), await open('forbidden')];
    await stack.stopService('audit', 'SIGKILL');
    const paid = await pay(order(from, to));
    expect(paid.status).toBe(201);
    await stack.startService('audit');
    expect(await eventually(settledOf(paid.body['id']), (found) => found.length > 0)).toHaveLength(1);
  });

  it('keeps validating while the issuer is down, and finishes the payment that waited for it, once', async () => {
    const [from, to] = [await open('allowed'), await open('forbidden')];
    const token = await paymentsToken();
    const fresh = (await storefront.getToken({ audience: 'payments', scopes: ['payments:create'] })).token;
    await stack.stopService('issuer', 'SIGKILL');
    expect((await send('GET', `${stack.urls.payments}/payments`, token)).status).toBe(200);
    const key = { 'idempotency-key': randomUUID() };
    const waiting = await send('POST', `${stack.urls.payments}/payments`, fresh, order(from, to), key);
    expect([waiting.status, waiting.body['code'], waiting.headers.get('retry-after')]).toEqual([
      503,
      'PAYMENT_PENDING',
      '1',
    ]);
    await stack.startService('issuer');
    const finished = await send('POST', `${stack.urls.payments}/payments`, fresh, order(from, to), key);
    expect([finished.status, finished.body['id']]).toEqual([201, waiting.body['payment_id']]);
    expect(await balance(to)).toBe(100n);
  });

  it('writes no API key to any log line, response, metric, event, table or message, whatever was done with it', async () => {
    const { issuer, payments } = stack.urls;
    const operator = createTokenClient({ issuer, clientId: 'operator', key: stack.identities.clients.operator });
    const { token } = await operator.getToken({ audience: 'issuer', scopes: ['issuer:admin'] });
    const answers: Answer[] = [];
    const admin = async (path: string, body: object): Promise<Answer> => {
      const keyed = { 'idempotency-key': randomUUID() };
      return send('POST', `${issuer}/admin/api-keys${path}`, token, JSON.stringify(body), keyed);
    };
    const use = async (headers: Record<string, string>, path = '/payments', method = 'GET'): Promise<number> => {
      const answer = await send(method, `${payments}${path}`, undefined, undefined, headers);
      answers.push(answer);
      return answer.status;
    };
    const wanted = { client_id: 'storefront', name: 'in no log', audiences: { payments: ['payments:read'] } };
    const made = apiKeySchema.parse((await admin('', wanted)).body);
    const rotated = apiKeySchema.parse((await admin(`/${made.id}/rotate`, {})).body);
    const [environment = ''] = /^csk_[a-z0-9]+/.exec(made.api_key) ?? [];
    const unknown = makeApiKey(environment.slice('csk_'.length), made.id);
    const keys = [made.api_key, rotated.api_key, unknown];
    for (const key of keys) {
      const expected = key === unknown ? 401 : 200;
      expect(await use({ 'x-api-key': key })).toBe(expected);
      expect(await use({ authorization: `Bearer ${key}` })).toBe(expected);
      expect(await use({}, `/payments?api_key=${key}`)).toBe(400);
      expect(await use({ 'x-api-key': `${key}x` })).toBe(401);
      expect(await use({ authorization: `Basic ${key}` })).toBe(401);
      await use({ 'x-api-key': key }, `/${key}`, 'DELETE');
      await use({ 'x-api-key': key, 'user-agent': key, 'x-request-id': key, traceparent: key, 'idempotency-key': key });
      answers.push(await admin(`/${key}/revoke`, {}), await admin('', { ...wanted, client_id: key, name: key }));
      answers.push(await send('POST', `${issuer}/oauth2/introspect`, undefined, `token=${key}`));
    }
    for (const { id } of [made, rotated]) answers.push(await admin(`/${id}/revoke`, { reason: 'over' }));
    await eventually(
      `resource=api-key/${rotated.id}&type=countersign.issuer.api-key.revoked.v1`,
      (found) => found.length > 0,
    );
    const secrets = keys.map((key) => key.slice(-49));
    const metrics = await Promise.all(
      Object.values(stack.urls).map(async (url) => (await fetch(`${url}/metrics`)).text()),
    );
    const events = JSON.stringify([await search(''), await search('outcome=denied')]);
    // What is public of a key is there, so that its secret would be found too.
    expect(events).toContain(made.id);
    expect(filesWith(join(directory, 'nats'), made.id).length).toBeGreaterThan(0);
    expect(said.length).toBeGreaterThan(0);
    for (const secret of secrets) {
      const places: Readonly<Record<string, string>> = {
        log: said.filter((line) => line.includes(secret)).join('\n'),
        answer: answers.map(({ body, headers }) => JSON.stringify([body, [...headers]])).join('\n'),
        metric: metrics.join('\n'),
        event: events,
      };
      for (const [place, text] of Object.entries(places)) {
        const at = text.indexOf(secret);
        expect([place, at === -1 ? '' : text.slice(Math.max(0, at - 300), at)]).toEqual([place, '']);
      }
      expect(filesWith(join(directory, 'nats'), secret)).toEqual([]);
    }
    for (const service of serviceNames) {
      const database = await databaseOf(service);
      try {
        const { rows: tables } = await database.query<{ name: string }>(
          `select quote_ident(table_schema) || '.' || quote_ident(table_name) as name from information_schema.tables
           where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')`,
        );
        expect(tables.length).toBeGreaterThan(3);
        for (const { name } of tables) {
          const { rows } = await database.query(`select 1 from ${name} as t where t::text like any($1) limit 1`, [
            secrets.map((secret) => `%${secret}%`),
          ]);
          expect([service, name, rows.length]).toEqual([service, name, 0]);
        }
      } finally {
        await database.end();
      }
    }
  }, 120_000);

  it('numbers each source without a gap, stores each event once, and records each read of the trail', async () => {
    await eventually('source=payments&type=countersign.payments.payment.settled.v1', (found) => found.length > 0);
    const numbersOf = (found: readonly Found[]): readonly number[] =>
      found.map(({ event }) => Number(event.sequence)).sort((a, b) => a - b);
    const withoutGap = (numbers: readonly number[]): boolean => numbers.every((number, index) => number === index + 1);
    for (const source of ['issuer', 'payments', 'accounts']) {
      const found = await eventually(`source=${source}`, (events) => withoutGap(numbersOf(events)));
      expect({ source, gapFree: withoutGap(numbersOf(found)), some: found.length > 0 }).toEqual({
        source,
        gapFree: true,
        some: true,
      });
    }
    const searches = await eventually('action=audit:read', (found) => found.length > 0);
    expect(searches[0]?.event.type).toBe('countersign.audit.events.searched.v1');
    const anonymous = await send('GET', `${stack.urls.audit}/events`);
    expect(anonymous.status).toBe(401);
  });

  it('records, whatever was done with it, only what docs/events.md lists: types, actions, kinds, members of changes, transactions', async () => {
    const documented = documentedEvents(readFileSync(join(root, 'docs/events.md'), 'utf8'));
    const recorded = (await search('')).map(({ event }) => auditEventSchema.parse(event));
    const faults = recorded.flatMap((event) => {
      const catalogue = documented.get(event.source);
      return catalogue === undefined ? [`${event.source} is not documented`] : eventFaults(event, catalogue);
    });
    expect([...new Set(faults)]).toEqual([]);
    expect(new Set(recorded.map(({ type }) => type)).size).toBeGreaterThan(15);
  }, 60_000);

  it('describes itself: health, metrics, OpenAPI with the scopes of each route', async () => {
    for (const url of Object.values(stack.urls)) {
      for (const path of ['health/live', 'health/ready'])
        expect((await send('GET', `${url}/${path}`)).status).toBe(200);
      expect(await (await fetch(`${url}/metrics`)).text()).toContain('http_request_duration_seconds');
      expect((await send('GET', `${url}/openapi.json`)).body).toHaveProperty('paths');
    }
    const ofPayments = await (await fetch(`${stack.urls.payments}/metrics`)).text();
    for (const name of ['api_key_uses_lost_total', 'api_key_reports_waiting', 'api_key_reports_refused'])
      expect(ofPayments).toMatch(new RegExp(`^${name}\\{.*\\} \\d+$`, 'm'));
    const { body } = await send('GET', `${stack.urls.payments}/openapi.json`);
    expect(body).toMatchObject({ paths: { '/payments': { post: { security: [{ token: ['payments:create'] }] } } } });
  });

  it('empties the outboxes once audit has said what it holds', async () => {
    const client = await databaseOf('accounts');
    let left = '';
    for (let attempt = 0; attempt < 150 && left !== '0'; attempt += 1) {
      const { rows } = await client.query<{ count: string }>('select count(*) from audit_outbox_event');
      left = rows[0]?.count ?? '';
      await delay(100);
    }
    expect(left).toBe('0');
    await client.end();
  });

  it('leaves nothing for countersign doctor to find, who searches at all services, databases and keys', async () => {
    const { code, out, said } = await countersign(stack, 'doctor', '--json');
    expect({ said, report: JSON.parse(out) as unknown }).toEqual({
      said: '',
      report: {
        ok: true,
        services: serviceNames.map((service) => ({ service, url: stack.urls[service], status: 'ready' })),
        databases: 4,
        findings: [],
        not_asked: [],
      },
    });
    expect(code).toBe(0);
  });

  it.each(serviceNames)(
    "lets %s read and write its own rows, and neither change a table nor enter another's database",
    async (name) => {
      const client = await databaseOf(name);
      const { rows } = await client.query<{ table: string }>(
        `select tablename as "table" from pg_tables where schemaname = 'public'`,
      );
      expect(rows.length).toBeGreaterThan(2);
      const refused = /permission denied|must be owner|append-only/;
      for (const { table } of rows) {
        for (const statement of [
          'alter table % disable trigger all',
          'alter table % add beside text',
          'truncate %',
          'drop table %',
        ])
          await expect(client.query(statement.replace('%', table))).rejects.toThrow(refused);
      }
      await expect(client.query('create table beside (n integer)')).rejects.toThrow(refused);
      for (const [table, column] of Object.entries(unchanging[name] ?? {})) {
        await expect(client.query(`delete from ${table}`)).rejects.toThrow(refused);
        await expect(client.query(`update ${table} set ${column} = ${column}`)).rejects.toThrow(refused);
      }
      await client.end();
      for (const other of serviceNames.filter((service) => service !== name))
        await expect(databaseOf(name, other)).rejects.toThrow(/permission denied/);
    },
  );

  describe('revocation, pushed to every service', () => {
    walkRevocation(() => stack);
  });
});
