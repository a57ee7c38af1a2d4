import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { CLIENT_ASSERTION_TYPE } from '@countersign/auth-core';
import { startIssuer, type IssuerUnderTest } from '../testing/issuer-under-test.js';

describe("a workload that presents another issuer's token", () => {
  let issuer: IssuerUnderTest;
  let outside: ChildProcess;
  let url: string;
  const policy = { audiences: { payments: ['payments:create'] } };
  const subject = 'system:serviceaccount:shop:*';

  beforeAll(async () => {
    outside = fork(join(process.cwd(), 'src/testing/outside-issuer.mjs'), { execArgv: [] });
    const [[port], started] = await Promise.all([once(outside, 'message') as Promise<[number]>, startIssuer()]);
    issuer = started;
    url = `http://127.0.0.1:${String(port)}`;
    const trusted = { issuer: url, jwks_uri: `${url}/jwks.json`, subject };
    await register('workload', { trusted_issuers: [trusted] });
    await register('moved', { trusted_issuers: [{ ...trusted, jwks_uri: `${url}/moved.json` }] });
    await register('own-keys', { jwks_uri: `${url}/jwks.json` });
  }, 120_000);
  afterAll(async () => {
    outside.kill();
    await issuer.stop();
  }, 60_000);

  async function register(clientId: string, keys: object): Promise<void> {
    const { status } = await issuer.admin('POST', '/admin/clients', { client_id: clientId, ...keys, policy });
    expect(status).toBe(201);
  }
  const signed = async (claims: object): Promise<string> => {
    const all = { iss: url, sub: 'system:serviceaccount:shop:cart', aud: [issuer.url], ...claims };
    return (await fetch(`${url}/?claims=${encodeURIComponent(JSON.stringify(all))}`)).text();
  };
  const ask = async (assertion: string, clientId = 'workload') =>
    issuer.token({
      audience: 'payments',
      scope: 'payments:create',
      client_id: clientId,
      client_assertion_type: CLIENT_ASSERTION_TYPE,
      client_assertion: assertion,
    });

  it('gets tokens as its client, as long as the outside token is valid', async () => {
    const assertion = await signed({});
    for (let times = 0; times < 2; times += 1) {
      const { status, body } = await ask(assertion);
      expect([status, body['scope']]).toEqual([200, 'payments:create']);
    }
  });

  it('gets none for another subject, audience, issuer, client or key', async () => {
    const bad = [
      await signed({ sub: 'system:serviceaccount:other:cart' }),
      await signed({ aud: 'https://other.test' }),
      await signed({ iss: 'https://other.test' }),
      (await signed({})).replace(/.{6}$/, 'AAAAAA'),
    ];
    for (const assertion of bad) expect((await ask(assertion)).body['error']).toBe('invalid_client');
    expect((await ask(await signed({}), 'shop')).status).toBe(401);
    expect((await ask(await signed({}), 'nobody')).status).toBe(401);
  });

  it('follows no redirect to an outside key set', async () => {
    expect((await ask(await signed({}), 'moved')).status).toBe(401);
  });

  it('finds the keys of a client by its jwks_uri', async () => {
    const claims = { iss: 'own-keys', sub: 'own-keys', aud: issuer.url, exp: Math.floor(Date.now() / 1_000) + 30 };
    const long = await signed({ ...claims, jti: 'one' });
    expect((await ask(long, 'own-keys')).status).toBe(401);
    const answer = await fetch(
      `${url}/?short=1&claims=${encodeURIComponent(JSON.stringify({ ...claims, jti: 'two' }))}`,
    );
    expect((await ask(await answer.text(), 'own-keys')).status).toBe(200);
  });

  it('fails as slowly for an unknown client as for one whose keys are being fetched, and waits no longer than that for a fetch', async () => {
    const took = async (clientId: string): Promise<number> => {
      const claims = { iss: clientId, sub: clientId, aud: issuer.url, jti: clientId };
      const assertion = await signed(claims);
      const startedAt = performance.now();
      expect((await ask(assertion, clientId)).status).toBe(401);
      return performance.now() - startedAt;
    };
    await register('stalled', { jwks_uri: `${url}/stalled.json` });
    // The fetch is given up after three seconds.
    for (const ms of [await took('stalled'), await took('nobody'), await took('shop')]) {
      expect(ms).toBeGreaterThan(240);
      expect(ms).toBeLessThan(2_500);
    }
  });

  it('is refused registration with keys at an address that is neither https nor the loopback', async () => {
    const uris = ['http://issuer.internal/jwks', 'https://user:secret@issuer.test/jwks', 'file:///etc/passwd'];
    for (const uri of uris) {
      const { status } = await issuer.admin('POST', '/admin/clients', { client_id: 'bad', jwks_uri: uri, policy });
      expect(status).toBe(400);
    }
  });
});
