import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { generateSigningKey, publicJwkOf, type PrivateJwk, CLIENT_ASSERTION_TYPE } from '@countersign/auth-core';
import { LOGGER } from '@countersign/service-host';
import { jest } from '@jest/globals';
import { importJWK, SignJWT } from 'jose';
import { type Logger } from 'pino';
import { startIssuer, type IssuerUnderTest } from '../testing/issuer-under-test.js';

describe('a client assertion', () => {
  let issuer: IssuerUnderTest;
  let published: Server;
  let address: string;
  /** Key sets by their paths. */
  const sets = new Map<string, readonly object[]>();
  const policy = { audiences: { payments: ['payments:create'] } };
  const now = () => Math.floor(Date.now() / 1_000);

  beforeAll(async () => {
    published = createServer((request, response) => {
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: sets.get(request.url ?? '') }));
    }).listen(0, '127.0.0.1');
    await once(published, 'listening');
    const bound = published.address();
    address = `http://127.0.0.1:${String(typeof bound === 'object' ? bound?.port : '')}`;
    issuer = await startIssuer();
  }, 120_000);
  afterAll(async () => {
    published.close();
    await issuer.stop();
  }, 60_000);

  async function sign(
    claims: object,
    key: PrivateJwk = issuer.keys.shop,
    header: object = { kid: key.kid },
  ): Promise<string> {
    const all = {
      iss: 'shop',
      sub: 'shop',
      aud: issuer.url,
      jti: randomUUID(),
      iat: now(),
      exp: now() + 30,
      ...claims,
    };
    return new SignJWT(all).setProtectedHeader({ alg: key.alg, ...header }).sign(await importJWK(key, key.alg));
  }
  const ask = (client_assertion: string, more: Readonly<Record<string, string>> = {}) =>
    issuer.token({
      audience: 'payments',
      scope: 'payments:create',
      client_assertion_type: CLIENT_ASSERTION_TYPE,
      client_assertion,
      ...more,
    });
  async function register(clientId: string, keys: object): Promise<void> {
    const { status } = await issuer.admin('POST', '/admin/clients', { client_id: clientId, ...keys, policy });
    expect(status).toBe(201);
  }
  async function reasonsOf(clientId: string): Promise<readonly string[]> {
    const { rows } = await issuer.database.query<{ reason: string }>(
      `select event->'data'->>'reason' as reason from audit_outbox_event
       where event->'data'->'changes'->>'claimed_client_id' = $1 order by position`,
      [clientId],
    );
    return rows.map(({ reason }) => reason);
  }

  it('may have its one audience in an array, but no second one', async () => {
    expect((await ask(await sign({ aud: [issuer.url] }))).status).toBe(200);
    for (const aud of [[issuer.url, 'https://other.test'], [], [[issuer.url]]]) {
      const { status, body } = await ask(await sign({ aud }));
      expect([status, body['error_description']]).toEqual([401, `aud of the assertion must be ${issuer.url}`]);
    }
  });

  it.each([
    ['a life of 300 s', () => ({ exp: now() + 300 }), 'ASSERTION_TOO_LONG', /at most 60 seconds/],
    ['iat 8 s ahead', () => ({ iat: now() + 12, exp: now() + 40 }), 'ASSERTION_NOT_YET_VALID', /check the clock/],
    ['its life behind it', () => ({ iat: now() - 90, exp: now() - 60 }), 'ASSERTION_EXPIRED', /has expired/],
    ['no jti', () => ({ jti: undefined }), 'ASSERTION_CLAIM_MISSING', /needs exp, and jti/],
    ['another client as its issuer', () => ({ iss: 'operator' }), 'ASSERTION_ISSUER', /must both be the client_id/],
  ] as const)(
    'with %s is refused with a message that helps its client; the trail has the code',
    async (_what, claims, reason, hint) => {
      const { status, body } = await ask(await sign(claims()));
      expect([status, body['error']]).toEqual([401, 'invalid_client']);
      expect(body['error_description']).toMatch(hint);
      expect((await reasonsOf('shop')).at(-1)).toBe(reason);
    },
  );

  it('that fails is logged with the failed check and the claimed client', async () => {
    const logger: Logger = issuer.app.get(LOGGER);
    const logged = jest.spyOn(logger, 'info');
    await ask(await sign({ exp: now() + 300 }));
    await ask(await sign({}, await generateSigningKey()));
    const lines = logged.mock.calls.map(([line]) => line);
    expect(lines).toMatchObject([
      { client_id: 'shop', reason: 'ASSERTION_TOO_LONG', peer: '127.0.0.1' },
      { client_id: 'shop', reason: 'ASSERTION_KEY_UNKNOWN', peer: '127.0.0.1' },
    ]);
    logged.mockRestore();
  });

  it('that is replayed is refused with a message that helps its client', async () => {
    const assertion = await sign({});
    expect((await ask(assertion)).status).toBe(200);
    expect((await ask(assertion)).body['error_description']).toMatch(/was used before/);
  });

  it('reveals nothing to a stranger or a disabled client', async () => {
    const stranger = await generateSigningKey();
    await register('gone', { jwks: { keys: [publicJwkOf(stranger)] } });
    await issuer.admin('POST', '/admin/clients/gone/disable');
    const long = { exp: now() + 300 };
    const answers = [
      await ask(await sign(long, stranger)),
      await ask(await sign(long, { ...stranger, kid: issuer.keys.shop.kid })),
      await ask(await sign({ ...long, iss: 'nobody', sub: 'nobody' })),
      await ask(await sign({ ...long, iss: 'gone', sub: 'gone' }, stranger)),
    ];
    expect(answers.map(({ body }) => body['error_description'])).toEqual(Array(4).fill('client authentication failed'));
    expect((await reasonsOf('gone')).at(-1)).toBe('ASSERTION_TOO_LONG');
  });

  it("of a workload works only for its client's subject", async () => {
    const key = await generateSigningKey();
    sets.set('/workload.json', [publicJwkOf(key)]);
    const trusted = { issuer: 'https://outside.test', jwks_uri: `${address}/workload.json` };
    const both = ['system:cart', 'system:till'].map((subject) => ({ ...trusted, subject }));
    await register('cart', { trusted_issuers: both });
    const claims = { iss: 'https://outside.test', sub: 'system:cart', exp: now() + 3_000 };
    const good = await sign(claims, key);
    expect((await ask(good, { client_id: 'cart' })).status).toBe(200);
    const late = await ask(await sign({ ...claims, exp: now() - 60 }, key), { client_id: 'cart' });
    expect(late.body['error_description']).toMatch(/has expired/);
    const other = await ask(await sign({ ...claims, sub: 'system:other', exp: now() - 60 }, key), {
      client_id: 'cart',
    });
    expect(other.body['error_description']).toBe('client authentication failed');
  });

  it('without kid works alike with keys in the registration and at a jwks_uri, one or several', async () => {
    const [one, two, other] = await Promise.all([
      generateSigningKey(),
      generateSigningKey(),
      generateSigningKey('EdDSA'),
    ]);
    const shapes = { one: [one], several: [other, two, one] };
    for (const [name, keys] of Object.entries(shapes)) {
      const jwks = keys.map(publicJwkOf);
      sets.set(`/${name}.json`, jwks);
      sets.set(
        `/${name}-nameless.json`,
        jwks.map((jwk) => ({ ...jwk, kid: undefined })),
      );
      await register(`inline-${name}`, { jwks: { keys: jwks } });
      await register(`remote-${name}`, { jwks_uri: `${address}/${name}.json` });
      await register(`nameless-${name}`, { jwks_uri: `${address}/${name}-nameless.json` });
      for (const client of [`inline-${name}`, `remote-${name}`, `nameless-${name}`]) {
        const claims = { iss: client, sub: client };
        expect([client, (await ask(await sign(claims, one, {}))).status]).toEqual([client, 200]);
        const forged = await sign(claims, { ...(await generateSigningKey()) }, {});
        expect([client, (await ask(forged)).status]).toEqual([client, 401]);
      }
    }
  });

  it('is checked by every key of its kid that fits, a bounded number', async () => {
    const makeKeys = (count: number) => Promise.all(Array.from({ length: count }, () => generateSigningKey()));
    const [keys, rsa] = [await makeKeys(3), await generateSigningKey('RS256')];
    const same = [...keys, rsa].map((key) => ({ ...key, kid: 'same' }));
    sets.set('/same.json', same.map(publicJwkOf));
    await register('same', { jwks_uri: `${address}/same.json` });
    for (const key of same) {
      expect((await ask(await sign({ iss: 'same', sub: 'same' }, key))).status).toBe(200);
    }
    const many = (await makeKeys(6)).map((key) => ({ ...key, kid: 'many' }));
    sets.set('/many.json', many.map(publicJwkOf));
    await register('many', { jwks_uri: `${address}/many.json` });
    const statuses: number[] = [];
    for (const key of many) statuses.push((await ask(await sign({ iss: 'many', sub: 'many' }, key))).status);
    expect(statuses).toEqual([200, 200, 200, 200, 401, 401]);
  });
});
