import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import {
  createVerifier,
  generateSigningKey,
  publicJwkOf,
  signClientAssertion,
  type PrivateJwk,
  CLIENT_ASSERTION_TYPE,
} from '@countersign/auth-core';
import { startBackingServices, type BackingServices } from '@countersign/backing-services';
import { createService, loadConfiguration } from '@countersign/service-host';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { createLocalJWKSet, jwtVerify, SignJWT, importJWK } from 'jose';
import pg from 'pg';
import { variables } from '../configuration.js';
import { IssuerModule } from '../issuer.module.js';
import { migrate } from '../testing/migrate.js';
import { Issuances } from './commits/issuances.store.js';

const issuer = 'https://issuer.test';
const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange';
const tokenType = 'urn:ietf:params:oauth:token-type:access_token';

describe('the token endpoint', () => {
  const folder = mkdtempSync(join(tmpdir(), 'issuer-'));
  let backing: BackingServices;
  let app: NestFastifyApplication;
  let database: pg.Client;
  let shop: PrivateJwk;
  let payments: PrivateJwk;
  let signing: PrivateJwk;

  const assertion = (clientId = 'shop', key = shop): Promise<string> =>
    signClientAssertion({ clientId, audience: issuer, key });
  async function ask(form: Readonly<Record<string, string>>, signed?: string) {
    const payload = new URLSearchParams({
      grant_type: 'client_credentials',
      client_assertion_type: CLIENT_ASSERTION_TYPE,
      client_assertion: signed ?? (await assertion()),
      ...form,
    }).toString();
    return app.inject({
      method: 'POST',
      url: '/oauth2/token',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload,
    });
  }
  const requested = { audience: 'payments', scope: 'payments:create' };
  const refusal = async (form: Readonly<Record<string, string>>, signed?: string) => {
    const answer = await ask(form, signed);
    return [answer.statusCode, answer.json<{ error: string }>().error];
  };

  beforeAll(async () => {
    [shop, payments, signing] = await Promise.all([generateSigningKey(), generateSigningKey(), generateSigningKey()]);
    backing = await startBackingServices();
    const url = await backing.database('issuer', migrate);
    const clients = [
      {
        client_id: 'shop',
        jwks: { keys: [publicJwkOf(shop)] },
        policy: { audiences: { payments: ['payments:create', 'payments:read'] } },
      },
      {
        client_id: 'payments',
        jwks: { keys: [publicJwkOf(payments)] },
        policy: {
          exchange: [
            {
              subject_audience: 'payments',
              subject_scope: 'payments:create',
              audience: 'accounts',
              scopes: ['transfers:create'],
            },
          ],
        },
      },
    ];
    writeFileSync(join(folder, 'clients.json'), JSON.stringify({ clients }));
    writeFileSync(join(folder, 'key.json'), JSON.stringify(signing));
    const configuration = loadConfiguration(variables, {
      PORT: '0',
      LOG_LEVEL: 'silent',
      ISSUER_URL: issuer,
      DATABASE_URL: url,
      NATS_URL: backing.nats.url,
      NATS_USER: 'issuer',
      NATS_PASSWORD: backing.passwords.issuer,
      CLIENTS_FILE: join(folder, 'clients.json'),
      SIGNING_KEY_IMPORT: join(folder, 'key.json'),
      KEY_ENCRYPTION_KEYS: `test:${randomBytes(32).toString('base64url')}`,
    });
    app = await createService({
      name: 'issuer',
      configuration,
      module: IssuerModule.forRoot(configuration),
    });
    database = new pg.Client({ connectionString: url });
    await database.connect();
  }, 120_000);
  afterAll(async () => {
    await database.end();
    await app.close();
    await backing.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  it('mints a token that our verifier and jose accept', async () => {
    const answer = await ask(requested);
    expect([answer.statusCode, answer.headers['cache-control']]).toEqual([200, 'no-store']);
    const body = answer.json<{ access_token: string; expires_in: number; scope: string; token_type: string }>();
    expect(body).toMatchObject({ expires_in: 300, scope: 'payments:create', token_type: 'Bearer' });
    const jwks = (await app.inject('/.well-known/jwks.json')).json<{ keys: (typeof signing)[] }>();
    const { payload, protectedHeader } = await jwtVerify(body.access_token, createLocalJWKSet(jwks), {
      issuer,
      audience: 'payments',
    });
    expect([protectedHeader.typ, payload.sub]).toEqual(['at+jwt', 'shop']);
    const verifier = await createVerifier({
      issuer,
      audience: 'payments',
      fetch: () => Promise.resolve(Response.json(jwks)),
    });
    expect(verifier.verify(body.access_token).clientId).toBe('shop');
    verifier.close();
  });

  it('publishes no private part of a key, and answers a known ETag with 304', async () => {
    const first = await app.inject('/.well-known/jwks.json');
    expect(first.body).not.toContain(signing.d);
    expect(first.headers['cache-control']).toBe('public, max-age=300');
    const again = await app.inject({
      url: '/.well-known/jwks.json',
      headers: { 'if-none-match': String(first.headers.etag) },
    });
    expect([again.statusCode, again.body]).toEqual([304, '']);
  });

  it('accepts an assertion once, even if it arrives many times at the same moment', async () => {
    const signed = await assertion();
    const answers = await Promise.all(Array.from({ length: 8 }, () => ask(requested, signed)));
    expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([200, ...Array.from({ length: 7 }, () => 401)]);
  });

  it('decides again as often as the registry changes in a short time, as when many people are disabled at once', async () => {
    const issuances = app.get(Issuances);
    const commit = issuances.commit.bind(issuances);
    let changes = 15;
    const changing = jest
      .spyOn(issuances, 'commit')
      .mockImplementation((decided) => (changes-- > 0 ? Promise.resolve('outdated') : commit(decided)));
    expect((await ask(requested)).statusCode).toBe(200);
    changes = Infinity;
    expect(await refusal(requested)).toEqual([503, 'temporarily_unavailable']);
    changing.mockRestore();
  });

  it('distinguishes a wrong key, an unknown client and an invalid assertion only for the client that signed it', async () => {
    const stranger = await generateSigningKey();
    const key = await importJWK({ ...shop }, 'ES256');
    const now = Math.floor(Date.now() / 1_000);
    const odd = (claims: object) =>
      new SignJWT({
        iss: 'shop',
        sub: 'shop',
        aud: issuer,
        jti: crypto.randomUUID(),
        iat: now,
        exp: now + 30,
        ...claims,
      })
        .setProtectedHeader({ alg: 'ES256', kid: shop.kid })
        .sign(key);
    const bad = [
      await assertion('shop', { ...stranger, kid: shop.kid }),
      await assertion('nobody', shop),
      'not.a.token',
    ];
    const mendable = [
      await odd({ exp: now + 600 }),
      await odd({ exp: now - 60, iat: now - 90 }),
      await odd({ aud: 'https://other.test' }),
      await odd({ aud: [issuer, 'https://other.test'] }),
      await odd({ jti: undefined }),
    ];
    const answers = await Promise.all(bad.map((signed) => ask(requested, signed)));
    expect(new Set(answers.map(({ statusCode, body }) => `${String(statusCode)} ${body}`))).toEqual(
      new Set(['401 {"error":"invalid_client","error_description":"client authentication failed"}']),
    );
    const named = await Promise.all(mendable.map((signed) => ask(requested, signed)));
    expect(named.map(({ statusCode, body }) => `${String(statusCode)} ${body}`)).toEqual(
      mendable.map(() => expect.stringMatching(/^401 .*"invalid_client".*assertion/)),
    );
  });

  it('refuses what is outside the policy, and incomplete requests', async () => {
    expect(await refusal({ ...requested, audience: 'accounts' })).toEqual([400, 'invalid_target']);
    expect(await refusal({ ...requested, scope: 'payments:refund' })).toEqual([400, 'invalid_scope']);
    expect(await refusal({ audience: 'payments' })).toEqual([400, 'invalid_scope']);
    expect(await refusal({ scope: 'payments:create' })).toEqual([400, 'invalid_target']);
    expect(await refusal({ ...requested, grant_type: 'password' })).toEqual([400, 'unsupported_grant_type']);
    expect(await refusal({ ...requested, grant_type: exchangeGrant })).toEqual([400, 'invalid_request']);
  });

  it('exchanges a token for its own audience along a declared edge, and no other', async () => {
    const { access_token: subject } = (await ask(requested)).json<{ access_token: string }>();
    const { access_token: reading } = (await ask({ audience: 'payments', scope: 'payments:read' })).json<{
      access_token: string;
    }>();
    const form = {
      grant_type: exchangeGrant,
      subject_token: subject,
      subject_token_type: tokenType,
      audience: 'accounts',
    };
    const good = await ask({ ...form, scope: 'transfers:create' }, await assertion('payments', payments));
    expect([good.statusCode, good.json<{ issued_token_type: string }>().issued_token_type]).toEqual([200, tokenType]);
    const jwks = (await app.inject('/.well-known/jwks.json')).json<{ keys: (typeof signing)[] }>();
    const { payload } = await jwtVerify(good.json<{ access_token: string }>().access_token, createLocalJWKSet(jwks), {
      audience: 'accounts',
    });
    expect(payload).toMatchObject({ sub: 'shop', client_id: 'payments', act: { sub: 'payments' } });
    const refuse = async (changes: Readonly<Record<string, string>>) =>
      refusal({ ...form, scope: 'transfers:create', ...changes }, await assertion('payments', payments));
    expect(await refuse({ scope: 'accounts:write' })).toEqual([400, 'invalid_scope']);
    expect(await refuse({ audience: 'audit' })).toEqual([400, 'invalid_target']);
    expect(await refuse({ subject_token: reading })).toEqual([400, 'invalid_target']);
    expect(await refuse({ subject_token: `${subject.slice(0, -4)}AAAA` })).toEqual([400, 'invalid_request']);
    expect(await refusal({ ...form, scope: 'transfers:create' })).toEqual([400, 'invalid_request']);
  });

  it('records every token and every refusal in its outbox before it responds, never the token itself', async () => {
    const answer = await ask(requested);
    await ask({ ...requested, audience: 'accounts' });
    const { rows } = await database.query<{ event: { type: string } }>(
      'select event from audit_outbox_event order by position desc limit 2',
    );
    expect(rows.map(({ event }) => event.type)).toEqual([
      'countersign.issuer.token.refused.v1',
      'countersign.issuer.token.issued.v1',
    ]);
    expect(JSON.stringify(rows)).not.toContain(answer.json<{ access_token: string }>().access_token.split('.')[2]);
  });

  it('announces in its metadata exactly what it accepts', async () => {
    const metadata = (await app.inject('/.well-known/oauth-authorization-server')).json<Record<string, unknown>>();
    expect(metadata).toMatchObject({
      issuer,
      token_endpoint: `${issuer}/oauth2/token`,
      grant_types_supported: [
        'client_credentials',
        exchangeGrant,
        'authorization_code',
        'urn:ietf:params:oauth:grant-type:jwt-bearer',
        'refresh_token',
        'urn:ietf:params:oauth:grant-type:device_code',
      ],
    });
  });
});
