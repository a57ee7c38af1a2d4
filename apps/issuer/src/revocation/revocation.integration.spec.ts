import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  CLIENT_ASSERTION_TYPE,
  generateSigningKey,
  makeApiKey,
  publicJwkOf,
  signClientAssertion,
  type PrivateJwk,
} from '@countersign/auth-core';
import { startBackingServices, type BackingServices } from '@countersign/backing-services';
import { BUCKET_SIZE_LIMIT, openRevocationBucket } from '@countersign/revocation-feed';
import { Background, createService, HealthRegistry, loadConfiguration } from '@countersign/service-host';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify, type JSONWebKeySet } from 'jose';
import pg from 'pg';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { z } from 'zod';
import { variables } from '../configuration.js';
import { IssuerModule } from '../issuer.module.js';
import { migrate } from '../testing/migrate.js';
import { ListedRevocations } from '../registry/listed-revocations.store.js';
import { Replica } from '../registry/replica.service.js';
import { Restoration } from './restoration.service.js';
import { RevocationBucket } from './revocation-bucket.service.js';
import { RevocationsStore } from './revocations.store.js';
import { Statements } from './statements.service.js';

const issuer = 'https://issuer.test';

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

describe('revocation at the issuer', () => {
  const folder = mkdtempSync(join(tmpdir(), 'issuer-'));
  const kek = `test:${randomBytes(32).toString('base64url')}`;
  const keys: Record<string, PrivateJwk> = {};
  let backing: BackingServices;
  let databaseUrl: string;
  let app: NestFastifyApplication;
  let database: pg.Client;

  async function start(): Promise<NestFastifyApplication> {
    const configuration = loadConfiguration(variables, {
      PORT: '0',
      LOG_LEVEL: 'silent',
      ISSUER_URL: issuer,
      DATABASE_URL: databaseUrl,
      NATS_URL: backing.nats.url,
      NATS_USER: 'issuer',
      NATS_PASSWORD: backing.passwords.issuer,
      CLIENTS_FILE: join(folder, 'clients.json'),
      KEY_ENCRYPTION_KEYS: kek,
    });
    return createService({
      name: 'issuer',
      configuration,
      module: IssuerModule.forRoot(configuration),
    });
  }
  async function post(path: string, form: Readonly<Record<string, string>>, as: string): Promise<Answer> {
    const key = keys[as];
    if (key === undefined) throw new Error(`no key of ${as}`);
    const assertion = await signClientAssertion({ clientId: as, audience: issuer, key });
    const answer = await app.inject({
      method: 'POST',
      url: path,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: new URLSearchParams({
        client_assertion_type: CLIENT_ASSERTION_TYPE,
        client_assertion: assertion,
        ...form,
      }).toString(),
    });
    return { status: answer.statusCode, body: answer.body === '' ? {} : answer.json() };
  }
  async function token(as = 'shop', audience = 'payments', scope = 'payments:create'): Promise<string> {
    const { body } = await post('/oauth2/token', { grant_type: 'client_credentials', audience, scope }, as);
    return String(body['access_token']);
  }
  const jtiOf = (signed: string): string => String(decodeJwt(signed).jti);
  const active = async (signed: string, as = 'shop'): Promise<unknown> =>
    (await post('/oauth2/introspect', { token: signed }, as)).body['active'];
  async function admin(method: 'GET' | 'POST', path: string, body?: object, bearer?: string): Promise<Answer> {
    const answer = await app.inject({
      method,
      url: path,
      headers: { authorization: `Bearer ${bearer ?? (await token('operator', 'issuer', 'issuer:admin'))}` },
      ...(body === undefined ? {} : { payload: body }),
    });
    return { status: answer.statusCode, body: answer.json() };
  }
  async function asIssuer<Result>(work: (connection: NatsConnection) => Promise<Result>): Promise<Result> {
    const connection = await connect({
      servers: backing.nats.url,
      user: 'issuer',
      pass: backing.passwords.issuer,
      inboxPrefix: '_INBOX_issuer',
      timeout: 10_000,
    });
    try {
      return await work(connection);
    } finally {
      await connection.close();
    }
  }
  async function inBucket(): Promise<ReadonlyMap<string, string>> {
    const options = { replicas: 1, maxBytes: BUCKET_SIZE_LIMIT };
    return asIssuer(async (connection) => (await openRevocationBucket(connection, options)).read()).catch(
      () => new Map(),
    );
  }
  const bucketKeys = async (): Promise<string[]> => [...(await inBucket()).keys()];
  async function eventuallyInBucket(key: string): Promise<boolean> {
    for (let attempt = 0; attempt < 300; attempt += 1) {
      if ((await bucketKeys()).includes(key)) return true;
      await delay(100);
    }
    return false;
  }

  beforeAll(async () => {
    const names = ['shop', 'payments', 'operator'] as const;
    for (const name of names) keys[name] = await generateSigningKey();
    const entry = (client_id: string, audiences: object) => ({
      client_id,
      jwks: { keys: [publicJwkOf(keys[client_id] ?? { kty: '', kid: '', alg: '', d: '' })] },
      policy: { audiences },
    });
    const clients = [
      entry('shop', { payments: ['payments:create'], accounts: ['accounts:read'] }),
      entry('payments', {}),
      entry('operator', { issuer: ['issuer:admin', 'issuer:other'] }),
    ];
    writeFileSync(join(folder, 'clients.json'), JSON.stringify({ clients }));
    backing = await startBackingServices();
    databaseUrl = await backing.database('issuer', migrate);
    app = await start();
    database = new pg.Client({ connectionString: databaseUrl });
    await database.connect();
  }, 180_000);
  afterAll(async () => {
    await database.end();
    await app.close();
    await backing.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  it('a client revokes its own token, which is inactive from then on, and in the bucket', async () => {
    const signed = await token();
    expect(await active(signed)).toBe(true);
    expect(await post('/oauth2/revoke', { token: signed }, 'shop')).toEqual({ status: 200, body: {} });
    expect(await active(signed)).toBe(false);
    expect(await eventuallyInBucket(`transaction.${jtiOf(signed)}`)).toBe(true);
    expect((await post('/oauth2/revoke', { token: signed }, 'shop')).status).toBe(200);
  });

  it("a client cannot revoke another's token, and the attempt is recorded", async () => {
    const signed = await token();
    const answer = await post('/oauth2/revoke', { token: signed }, 'payments');
    expect([answer.status, answer.body['error']]).toEqual([400, 'unauthorized_client']);
    expect(await active(signed)).toBe(true);
    const { rows } = await database.query<{ event: { data: { reason: string } } }>(
      'select event from audit_outbox_event order by position desc limit 5',
    );
    expect(rows.map(({ event }) => event.data.reason)).toContain('NOT_THE_CLIENTS_TOKEN');
  });

  it('a token of another issuer seems revoked to the client, and is inactive', async () => {
    const signed = await token();
    const forged = `${signed.slice(0, -6)}AAAAAA`;
    for (const text of ['nonsense', forged, 'a.b.c']) {
      expect(await post('/oauth2/revoke', { token: text }, 'shop')).toEqual({ status: 200, body: {} });
      expect(await active(text)).toBe(false);
    }
    expect((await post('/oauth2/revoke', {}, 'shop')).body['error']).toBe('invalid_request');
    expect((await post('/oauth2/introspect', { token: signed, client_assertion: 'x' }, 'shop')).status).toBe(401);
    expect(await active(signed)).toBe(true);
  });

  it('describes a token only to its client and to its audience', async () => {
    const signed = await token();
    const asService = await post('/oauth2/introspect', { token: signed }, 'payments');
    expect(asService.body).toMatchObject({
      active: true,
      iss: issuer,
      sub: 'shop',
      client_id: 'shop',
      aud: 'payments',
      scope: 'payments:create',
      token_type: 'Bearer',
      jti: jtiOf(signed),
    });
    expect(await post('/oauth2/introspect', { token: signed }, 'operator')).toEqual({
      status: 200,
      body: { active: false },
    });
  });

  it("an administrator revokes by token, client and subject; a client's new tokens are valid again", async () => {
    const signed = await token();
    const byToken = await admin('POST', '/admin/revocations', { kind: 'token', jti: jtiOf(signed), reason: 'leaked' });
    expect([byToken.status, byToken.body['pushed'], byToken.body['revoked_by']]).toEqual([201, true, 'operator']);
    expect(await active(signed)).toBe(false);

    const other = await token();
    expect((await admin('POST', '/admin/revocations', { kind: 'client', client_id: 'shop' })).status).toBe(201);
    expect(await active(other)).toBe(false);
    const later = await token();
    expect(await active(later)).toBe(true);
    expect((await admin('POST', '/admin/revocations', { kind: 'subject', subject: 'shop' })).status).toBe(201);
    expect(await active(later)).toBe(false);

    const listed = await admin('GET', '/admin/revocations?limit=2');
    expect(listed.body['revocations']).toMatchObject([{ kind: 'subject', name: 'shop' }, { kind: 'client' }]);
    const next = await admin('GET', `/admin/revocations?limit=2&cursor=${String(listed.body['next_cursor'])}`);
    expect(next.body['revocations']).toMatchObject([{ kind: 'token', name: jtiOf(signed), reason: 'leaked' }, {}]);
  });

  it('refuses a revocation in the future, or of a key that still signs', async () => {
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString();
    const future = { kind: 'client', client_id: 'shop', issued_before: tomorrow };
    expect((await admin('POST', '/admin/revocations', future)).body['code']).toBe('TIME_IN_FUTURE');
    const jwks: { keys: { kid: string }[] } = (await app.inject('/.well-known/jwks.json')).json();
    const inUse = { kind: 'key', kid: jwks.keys[0]?.kid };
    expect(await admin('POST', '/admin/revocations', inUse)).toMatchObject({
      status: 409,
      body: { code: 'KEY_IN_USE' },
    });
    expect((await admin('POST', '/admin/revocations', { kind: 'key', kid: 'gone' })).status).toBe(201);
    expect((await admin('POST', '/admin/revocations', { kind: 'token', jti: 'a.b' })).status).toBe(400);
    const apiKey = makeApiKey('live', '01a21031-6897-71c1-8114-42669a3f0602');
    for (const named of [
      { kind: 'token', jti: apiKey },
      { kind: 'subject', subject: apiKey },
    ])
      expect(await admin('POST', '/admin/revocations', named)).toMatchObject({
        status: 400,
        body: { code: 'REQUEST_INVALID', detail: expect.not.stringContaining(apiKey) },
      });
  });

  it('refuses a time that no token can have, which no validator would accept', async () => {
    for (const time of ['0000-06-01T00:00:00Z', '1969-12-31T23:59:59.999Z']) {
      const asked = [
        { kind: 'client', client_id: 'shop', issued_before: time },
        { kind: 'subject', subject: 'shop', issued_before: time },
        { kind: 'token', jti: 'a-token', expires_at: time },
      ];
      for (const one of asked)
        expect([time, one.kind, await admin('POST', '/admin/revocations', one)]).toMatchObject([
          time,
          one.kind,
          { status: 400, body: { code: 'REQUEST_INVALID' } },
        ]);
    }
    for (const place of [
      ['0000-06-01T00:00:00Z', 'client.a'],
      ['2026-01-01T00:00:00Z', '\u0000'],
      ['2026-01-01T00:00:00Z', '\ud800'],
    ]) {
      const cursor = Buffer.from(JSON.stringify(place)).toString('base64url');
      expect(await admin('GET', `/admin/revocations?cursor=${cursor}`)).toMatchObject({
        status: 400,
        body: { code: 'CURSOR_INVALID' },
      });
    }
  });

  it('its admin routes need the scope, and a token that is not revoked', async () => {
    const without = await token('operator', 'issuer', 'issuer:other');
    expect((await admin('GET', '/admin/revocations', undefined, without)).status).toBe(403);
    expect((await admin('GET', '/admin/revocations', undefined, await token())).status).toBe(401);
    const operator = await token('operator', 'issuer', 'issuer:admin');
    expect((await admin('GET', '/admin/revocations', undefined, operator)).status).toBe(200);
    await post('/oauth2/revoke', { token: operator }, 'operator');
    const refused = await admin('GET', '/admin/revocations', undefined, operator);
    expect([refused.status, refused.body['code']]).toEqual([401, 'TOKEN_REVOKED']);
  });

  it('records each revocation in the transaction of its row', async () => {
    const signed = await token();
    await post('/oauth2/revoke', { token: signed }, 'shop');
    const { rows } = await database.query<{ event: object }>(
      `select event from audit_outbox_event where event->'data'->>'resource' = $1`,
      [`transaction/${jtiOf(signed)}`],
    );
    const data = { action: 'transaction:revoke', outcome: 'allowed' };
    expect(rows).toMatchObject([{ event: { type: 'countersign.issuer.transaction.revoked.v1', data } }]);
  });

  it('revokes while NATS is unavailable, says that it is not pushed, and pushes when NATS is back', async () => {
    await backing.nats.stop();
    const signed = await token();
    const answer = await admin('POST', '/admin/revocations', { kind: 'token', jti: jtiOf(signed) });
    expect([answer.status, answer.body['pushed']]).toEqual([201, false]);
    expect(await active(signed)).toBe(false);
    await backing.nats.start();
    expect(await eventuallyInBucket(`token.${jtiOf(signed)}`)).toBe(true);
  }, 60_000);

  it('rebuilds a lost bucket from the database', async () => {
    const before = new Set(await bucketKeys());
    expect(before.size).toBeGreaterThan(3);
    await asIssuer(async (connection) => {
      await (await jetstreamManager(connection, { checkAPI: false })).streams.purge('KV_revocations');
    });
    await app.close();
    app = await start();
    for (const key of before) expect({ key, there: await eventuallyInBucket(key) }).toEqual({ key, there: true });
  }, 60_000);

  it('pushes what a replica committed and never pushed, and deletes expired entries', async () => {
    await database.query(`
      insert into revocation (bucket_key, kind, name, matters_until, revoked_by, changed_at)
      values ('token.orphan', 'token', 'orphan', now() + interval '5 minutes', 'test', now())`);
    expect(await eventuallyInBucket('token.orphan')).toBe(true);
    const { rows } = await database.query<{ changed_in: string }>(
      `insert into revocation (bucket_key, kind, name, matters_until, revoked_by, changed_at, pushed_at)
       values ('token.past', 'token', 'past', now() - interval '10 minutes', 'test', now(), now()) returning changed_in`,
    );
    expect(rows.length).toBe(1);
    const [past, made] = [new Date(Date.now() - 600_000), new Date(Date.now() - 900_000)];
    const times = {
      mattersUntil: past,
      changedAt: made,
      changedIn: 1,
      pushedAt: made,
      issuedBefore: null,
      clientId: null,
      replaces: null,
    };
    const row = {
      bucketKey: 'token.past',
      kind: 'token',
      name: 'past',
      revokedBy: 'test',
      reason: null,
      ...times,
    } as const;
    const text = await app.get(Statements).ofRow(row);
    const options = { replicas: 1, maxBytes: BUCKET_SIZE_LIMIT };
    await asIssuer(async (connection) => (await openRevocationBucket(connection, options)).put('token.past', text));
    await app.close();
    app = await start();
    let left = true;
    for (let attempt = 0; attempt < 200 && left; attempt += 1) {
      left = (await bucketKeys()).includes('token.past');
      await delay(50);
    }
    expect(left).toBe(false);
    expect((await database.query(`select 1 from revocation where name = 'past'`)).rowCount).toBe(0);
    expect((await database.query(`select 1 from revocation where name = 'orphan'`)).rowCount).toBe(1);
  }, 60_000);

  it('stops at any moment of its first comparison', async () => {
    const nats = { url: backing.nats.url, user: 'issuer', password: backing.passwords.issuer };
    const stopped: unknown[] = [];
    for (let wait = 0; wait < 60; wait += 2) {
      const health = new HealthRegistry();
      const store = app.get(RevocationsStore);
      const now = () => new Date();
      const options = { replicas: 1, maxBytes: BUCKET_SIZE_LIMIT };
      const [statements, replica] = [app.get(Statements), app.get(Replica)];
      const silent = pino({ level: 'silent' });
      const background = new Background(silent, health, now);
      const bucket = new RevocationBucket(
        nats,
        options,
        store,
        app.get(ListedRevocations),
        statements,
        replica,
        app.get(Restoration),
        now,
        silent,
        health,
        new Registry(),
        background,
      );
      background.onApplicationBootstrap();
      bucket.onApplicationBootstrap();
      await delay(wait);
      const stop = background.beforeApplicationShutdown().then(() => bucket.beforeApplicationShutdown());
      const late = delay(5_000, 'still running', { ref: false });
      stopped.push(await Promise.race([stop.then(() => 'stopped'), late]));
    }
    expect(new Set(stopped)).toEqual(new Set(['stopped']));
  }, 60_000);

  it('signs each revocation, and the statement of the whole list, with a key published only for that', async () => {
    const signed = await token();
    await post('/oauth2/revoke', { token: signed }, 'shop');
    expect(await eventuallyInBucket(`transaction.${jtiOf(signed)}`)).toBe(true);
    const jwks: JSONWebKeySet = (await app.inject('/.well-known/revocation-jwks.json')).json();
    const ofTokens: JSONWebKeySet = (await app.inject('/.well-known/jwks.json')).json();
    expect(new Set(jwks.keys.map(({ use }) => use))).toEqual(new Set(['revocation']));
    const kids = new Set(ofTokens.keys.map(({ kid }) => kid));
    expect(jwks.keys.some(({ kid }) => kids.has(kid))).toBe(false);
    const text = (await inBucket()).get(`transaction.${jtiOf(signed)}`) ?? '';
    const forJose = createLocalJWKSet({ keys: jwks.keys.map((key) => ({ ...key, use: 'sig' })) });
    const { payload } = await jwtVerify(text, forJose, { typ: 'secevent+jwt', issuer });
    expect(Object.keys(payload['events'] as object)).toEqual(['urn:countersign:event:transaction-revoked']);
    const { rows } = await database.query<{ private_key: object }>(`select private_key from revocation_key`);
    expect(rows.length).toBeGreaterThan(1);
    expect(JSON.stringify(rows)).not.toContain('"d"');
  }, 60_000);

  it('signs the whole list again with the next key when one is revoked, and the revoked one is no longer published', async () => {
    const signed = await token();
    await post('/oauth2/revoke', { token: signed }, 'shop');
    const key = `transaction.${jtiOf(signed)}`;
    expect(await eventuallyInBucket(key)).toBe(true);
    const listed = z.object({ keys: z.array(z.object({ kid: z.string(), state: z.string() })) });
    const keysNow = async () => listed.parse((await admin('GET', '/admin/revocation-keys')).body).keys;
    // Between two statements of one revocation there may be none.
    const kidOf = async (): Promise<unknown> => {
      const statement = (await inBucket()).get(key);
      return statement && decodeProtectedHeader(statement).kid;
    };
    const active = (await keysNow()).find(({ state }) => state === 'active')?.kid ?? '';
    expect(await kidOf()).toBe(active);
    expect((await admin('POST', `/admin/revocation-keys/${active}/revoke`)).status).toBe(200);
    const next = (await keysNow()).find(({ state }) => state === 'active')?.kid;
    expect(next).not.toBe(active);
    const jwks: JSONWebKeySet = (await app.inject('/.well-known/revocation-jwks.json')).json();
    expect(jwks.keys.map(({ kid }) => kid)).not.toContain(active);
    for (let attempt = 0; attempt < 200 && (await kidOf()) !== next; attempt += 1) await delay(50);
    expect(await kidOf()).toBe(next);
    // No token is refused for it.
    expect((await database.query(`select 1 from revocation where name = $1`, [active])).rowCount).toBe(0);
  }, 60_000);

  it('lets nobody else write the bucket', async () => {
    const connection = await connect({
      servers: backing.nats.url,
      user: 'accounts',
      pass: backing.passwords.accounts,
      inboxPrefix: '_INBOX_accounts',
    });
    connection.publish('$KV.revocations.token.forged', '{"until":9999999999}');
    await connection.flush();
    await delay(200);
    expect(await bucketKeys()).not.toContain('token.forged');
    await connection.close();
  }, 30_000);
});
