import { randomBytes } from 'node:crypto';
import { Controller, Get, Req } from '@nestjs/common';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import {
  createDpopProof,
  DpopNonces,
  generateSigningKey,
  type Principal,
  type PrivateJwk,
} from '@countersign/auth-core';
import { createTestIssuer, type TestIssuer } from '@countersign/test-kit';
import { BearerToken, CurrentPrincipal, RequireScopes } from './decorators.js';
import { startGuarded } from './testing/guarded-app.js';

@Controller('orders')
class OrdersController {
  @Get()
  @RequireScopes('orders:read')
  read(@BearerToken() token: string): object {
    return { length: token.length };
  }

  @Get('user')
  @RequireScopes('orders:read')
  user(@Req() request: { user?: Principal }, @CurrentPrincipal() caller: Principal): object {
    return { isUser: request.user === caller };
  }
}

describe('a token that is bound to a key', () => {
  let issuer: TestIssuer;
  let app: NestFastifyApplication;
  let unaware: NestFastifyApplication;
  let strict: NestFastifyApplication;
  let behind: NestFastifyApplication;
  const secret = randomBytes(32);
  let key: PrivateJwk;
  let token: string;

  const start = (
    resource: string | undefined,
    dpopNonces?: DpopNonces,
    prefix?: string,
  ): Promise<NestFastifyApplication> =>
    startGuarded(
      {
        issuer: issuer.issuer,
        audience: 'orders',
        fetch: issuer.fetch,
        ...(resource === undefined ? {} : { resource }),
        ...(dpopNonces === undefined ? {} : { dpopNonces }),
      },
      [OrdersController],
      { prepare: (made) => (prefix === undefined ? undefined : made.setGlobalPrefix(prefix)) },
    );

  const proofFor = (url: string, signer = key, nonce?: string): Promise<string> =>
    Promise.resolve(createDpopProof({ key: signer, method: 'GET', url, accessToken: token, nonce }));

  async function get(headers: Record<string, string>, at = app): Promise<readonly unknown[]> {
    const answer = await at.inject({ method: 'GET', url: '/orders?page=2', headers });
    return [answer.statusCode, answer.json<{ code?: string }>().code, answer.headers['www-authenticate']];
  }

  beforeAll(async () => {
    issuer = await createTestIssuer({ audience: 'orders' });
    app = await start('https://api.test');
    unaware = await start(undefined);
    behind = await start('https://api.test/svc/');
    strict = await start('https://api.test', new DpopNonces({ key: secret }));
    key = await generateSigningKey();
    token = await issuer.mint({ scopes: ['orders:read'], claims: { cnf: { jkt: key.kid } } });
  });
  afterAll(async () => {
    await Promise.all([app.close(), unaware.close(), strict.close(), behind.close()]);
  });

  it('passes with a fresh proof, first seen and repeated', async () => {
    for (let request = 0; request < 3; request += 1)
      expect(await get({ authorization: `DPoP ${token}`, dpop: await proofFor('https://api.test/orders') })).toEqual([
        200,
        undefined,
        undefined,
      ]);
  });

  it('is compared with the URL that callers use, whether or not a proxy strips the resource’s path', async () => {
    const ask = async (at: NestFastifyApplication, path: string, url: string) => {
      const headers = { authorization: `DPoP ${token}`, dpop: await proofFor(url) };
      return (await at.inject({ method: 'GET', url: path, headers })).statusCode;
    };
    expect(await ask(behind, '/orders?page=2', 'https://api.test/svc/orders')).toBe(200);
    expect(await ask(behind, '/orders', 'https://api.test/orders')).toBe(401);
    expect(await ask(behind, '/orders', 'https://api.test/svc/svc/orders')).toBe(401);
    for (const resource of ['https://api.test/svc', 'https://api.test/svc/']) {
      const whole = await start(resource, undefined, 'svc');
      expect(await ask(whole, '/svc/orders', 'https://api.test/svc/orders')).toBe(200);
      expect(await ask(whole, '/svc/orders', 'https://api.test/orders')).toBe(401);
      await whole.close();
    }
    const alike = await start('https://api.test/svc', undefined, 'svcs');
    expect(await ask(alike, '/svcs/orders', 'https://api.test/svc/svcs/orders')).toBe(200);
    await alike.close();
  });

  it('makes its caller the user of the request', async () => {
    const headers = { authorization: `DPoP ${token}`, dpop: await proofFor('https://api.test/orders/user') };
    const answer = await app.inject({ method: 'GET', url: '/orders/user', headers });
    expect(answer.json()).toEqual({ isUser: true });
  });

  it('is refused as a bearer token, repeated or not, and without a proof', async () => {
    for (const authorization of [`Bearer ${token}`, `DPoP ${token}`])
      expect((await get({ authorization })).slice(0, 2)).toEqual([401, 'DPOP_PROOF_MISSING']);
  });

  it('is refused when the proof was used before', async () => {
    const headers = { authorization: `DPoP ${token}`, dpop: await proofFor('https://api.test/orders') };
    expect((await get(headers))[0]).toBe(200);
    const [status, code, challenge] = await get(headers);
    expect([status, code]).toEqual([401, 'DPOP_PROOF_REPLAYED']);
    expect(challenge).toMatch(
      /^DPoP realm="orders", error="invalid_dpop_proof".*resource_metadata="https:\/\/api.test/,
    );
  });

  it('is refused with a proof for another address, or by another key, whatever the Host header says', async () => {
    for (const dpop of [
      await proofFor('https://evil.test/orders'),
      await proofFor('https://api.test/other'),
      await proofFor('https://api.test/orders', await generateSigningKey()),
    ])
      expect((await get({ authorization: `DPoP ${token}`, dpop, host: 'evil.test' })).slice(0, 2)).toEqual([
        401,
        'DPOP_PROOF_INVALID',
      ]);
  });

  it('needs a nonce of any replica of the service, if nonces are required', async () => {
    const url = 'https://api.test/orders';
    const ask = async (nonce?: string) =>
      strict.inject({
        method: 'GET',
        url: '/orders',
        headers: { authorization: `DPoP ${token}`, dpop: await proofFor(url, key, nonce) },
      });
    const refused = await ask();
    expect([refused.statusCode, refused.json<{ code: string }>().code]).toEqual([401, 'DPOP_NONCE_REQUIRED']);
    expect(refused.headers['www-authenticate']).toMatch(/^DPoP realm="orders", error="use_dpop_nonce"/);
    expect((await ask(String(refused.headers['dpop-nonce']))).statusCode).toBe(200);
    expect((await ask(new DpopNonces({ key: secret }).current())).statusCode).toBe(200);
    expect((await ask('an old one')).headers['dpop-nonce']).toBe(refused.headers['dpop-nonce']);
  });

  it('is refused by a service that does not know its own URL, and the scheme refuses a bearer token', async () => {
    const dpop = await proofFor('http://localhost/orders');
    expect((await get({ authorization: `DPoP ${token}`, dpop }, unaware))[1]).toBe('DPOP_PROOF_INVALID');
    const bearer = await issuer.mint({ scopes: ['orders:read'] });
    expect((await get({ authorization: `DPoP ${bearer}`, dpop: await proofFor('https://api.test/orders') }))[1]).toBe(
      'DPOP_PROOF_INVALID',
    );
  });
});
