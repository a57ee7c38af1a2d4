import { Controller, Get } from '@nestjs/common';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { MemoryRevocationList, type Principal } from '@countersign/auth-core';
import { badTokens, createTestIssuer, type TestIssuer } from '@countersign/test-kit';
import { type AuthSettings } from './auth.settings.js';
import { BearerToken, CurrentPrincipal, Public, RequireScopes } from './decorators.js';
import { type Refusal } from './refusal.js';
import { startGuarded } from './testing/guarded-app.js';

@Controller()
class OrdersController {
  @Get('orders')
  @RequireScopes('orders:read')
  read(@CurrentPrincipal() caller: Principal, @BearerToken() token: string): object {
    return { subject: caller.subject, tokenLength: token.length };
  }

  @Get('open')
  @Public()
  open(): object {
    return { open: true };
  }

  @Get('forgotten')
  forgotten(): object {
    return { forgotten: true };
  }
}

const start = (settings: AuthSettings) => startGuarded(settings, [OrdersController]);

describe('the guard', () => {
  let issuer: TestIssuer;
  let app: NestFastifyApplication;
  const refusals: Refusal[] = [];
  const revocations = new MemoryRevocationList();

  const get = async (path: string, token?: string, header = `Bearer ${token ?? ''}`) =>
    app.inject({ method: 'GET', url: path, headers: token === undefined ? {} : { authorization: header } });

  beforeAll(async () => {
    issuer = await createTestIssuer({ audience: 'orders' });
    app = await start({
      issuer: issuer.issuer,
      audience: 'orders',
      fetch: issuer.fetch,
      revocations,
      onRefused: (refusal) => {
        refusals.push(refusal);
        return Promise.resolve();
      },
    });
  });
  afterAll(async () => {
    await app.close();
  });

  it('admits a verified caller with the scope, first seen and repeated', async () => {
    const token = await issuer.mint({ subject: 'ada', scopes: ['orders:read', 'orders:write'] });
    for (const look of ['first', 'repeated']) {
      const answer = await get('/orders', token);
      expect({ look, status: answer.statusCode, body: answer.json() }).toEqual({
        look,
        status: 200,
        body: { subject: 'ada', tokenLength: token.length },
      });
    }
  });

  it('leaves a public route open and closes one that declares nothing, even to a valid token', async () => {
    expect((await get('/open')).statusCode).toBe(200);
    const token = await issuer.mint({ scopes: ['orders:read'] });
    const closed = await get('/forgotten', token);
    expect([closed.statusCode, closed.json()]).toEqual([403, expect.objectContaining({ code: 'ROUTE_NOT_DECLARED' })]);
    expect((await get('/forgotten')).statusCode).toBe(401);
  });

  it('refuses each invalid token with its code, and calls the listener before it answers', async () => {
    for (const { name, token, code } of await badTokens(issuer)) {
      if (token === '') continue;
      refusals.length = 0;
      const answer = await get('/orders', token);
      const { code: answered } = answer.json<{ code: string }>();
      expect({ name, status: answer.statusCode, code: answered }).toEqual({ name, status: 401, code });
      expect(refusals.map((refusal) => refusal.code)).toEqual([code]);
      expect(answer.headers['www-authenticate']).toMatch(
        /^Bearer realm="orders", error="invalid_token", error_description="[a-z0-9 ]+"$/,
      );
    }
  });

  it('names no error to a caller without a token, and reads none from a query or another scheme', async () => {
    const token = await issuer.mint({ scopes: ['orders:read'] });
    for (const answer of [
      await get('/orders'),
      await get(`/orders?access_token=${token}`),
      await get('/orders', token, `Basic ${token}`),
    ]) {
      expect([answer.statusCode, answer.headers['www-authenticate']]).toEqual([401, 'Bearer realm="orders"']);
    }
  });

  it('answers a missing scope with 403 and the scopes that the route needs', async () => {
    const answer = await get('/orders', await issuer.mint({ subject: 'ada', scopes: ['orders:write'] }));
    expect(answer.statusCode).toBe(403);
    expect(answer.headers['www-authenticate']).toMatch(/error="insufficient_scope".*scope="orders:read"$/);
    expect(refusals.at(-1)?.principal?.subject).toBe('ada');
  });

  it('refuses a repeated token from the moment it is revoked', async () => {
    const token = await issuer.mint({ claims: { jti: 'stolen' }, scopes: ['orders:read'] });
    expect((await get('/orders', token)).statusCode).toBe(200);
    revocations.add({ kind: 'token', tokenId: 'stolen', until: Infinity });
    expect((await get('/orders', token)).json()).toMatchObject({ status: 401, code: 'TOKEN_REVOKED' });
  });

  it('answers 503 with Retry-After and no challenge while the keys were never loaded', async () => {
    const away = await start({
      issuer: issuer.issuer,
      audience: 'orders',
      fetch: () => Promise.reject(new Error('the issuer is unavailable')),
    });
    const token = await issuer.mint({ scopes: ['orders:read'] });
    const answer = await away.inject({ method: 'GET', url: '/orders', headers: { authorization: `Bearer ${token}` } });
    expect([answer.statusCode, answer.headers['retry-after'], answer.headers['www-authenticate']]).toEqual([
      503,
      '2',
      undefined,
    ]);
    await away.close();
  });

  it('answers 500 and admits nobody when a refusal cannot be recorded', async () => {
    const mute = await start({
      issuer: issuer.issuer,
      audience: 'orders',
      fetch: issuer.fetch,
      onRefused: () => Promise.reject(new Error('the database is unavailable')),
    });
    expect((await mute.inject({ method: 'GET', url: '/orders' })).statusCode).toBe(500);
    await mute.close();
  });

  it('keeps two applications of one process apart', async () => {
    const other = await createTestIssuer({ audience: 'orders' });
    const second = await start({ issuer: other.issuer, audience: 'orders', fetch: other.fetch });
    const mine = await issuer.mint({ scopes: ['orders:read'] });
    expect((await get('/orders', mine)).statusCode).toBe(200);
    const answer = await second.inject({ method: 'GET', url: '/orders', headers: { authorization: `Bearer ${mine}` } });
    expect(answer.json()).toMatchObject({ code: 'KEY_UNKNOWN' });
    await second.close();
  });
});
