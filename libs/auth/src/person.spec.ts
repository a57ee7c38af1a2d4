import { Controller, Get, Post } from '@nestjs/common';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { requireRecentLogin } from '@countersign/auth-core';
import { createFakeClock, createTestIssuer, type TestIssuer, type TestTokenOptions } from '@countersign/test-kit';
import { Authorize, RequirePerson, RequireRecentLogin, RequireScopes } from './decorators.js';
import { type Policy } from './policy.js';
import { type Refusal } from './refusal.js';
import { startGuarded } from './testing/guarded-app.js';

const clock = createFakeClock();
const freshLogin: Policy = (caller) => {
  requireRecentLogin(caller, { seconds: 30 }, clock.now() / 1_000);
  return true;
};

@Controller('orders')
@RequirePerson()
class OrdersController {
  @Get()
  mine(): object {
    return {};
  }

  @Post()
  @RequireScopes('orders:write')
  @RequireRecentLogin(300)
  write(): object {
    return {};
  }

  @Post('large')
  @RequireRecentLogin(300, { acrValues: ['silver', 'gold'] })
  large(): object {
    return {};
  }

  @Post('by-policy')
  @Authorize(freshLogin)
  byPolicy(): object {
    return {};
  }
}

describe('a route for people', () => {
  let issuer: TestIssuer;
  let app: NestFastifyApplication;
  const report: string[] = [];
  const refusals: Refusal[] = [];

  beforeAll(async () => {
    const { now } = clock;
    issuer = await createTestIssuer({ audience: 'orders', now });
    app = await startGuarded(
      {
        ...{ issuer: issuer.issuer, audience: 'orders', fetch: issuer.fetch, now },
        onRoutes: (lines) => report.push(...lines),
        onRefused: (refusal) => {
          refusals.push(refusal);
          return Promise.resolve();
        },
      },
      [OrdersController],
    );
  });
  afterAll(async () => {
    await app.close();
  });

  async function ask(method: 'GET' | 'POST', url: string, requested: TestTokenOptions | string) {
    const token =
      typeof requested === 'string' ? requested : await issuer.mint({ scopes: ['orders:write'], ...requested });
    const answer = await app.inject({ method, url, headers: { authorization: `Bearer ${token}` } });
    const { code } = answer.json<{ code?: string }>();
    return { status: answer.statusCode, code, challenge: answer.headers['www-authenticate'] };
  }

  it('admits a person, and refuses a service and an application for itself, also with repeated tokens', async () => {
    expect((await ask('GET', '/orders', { kind: 'person' })).status).toBeLessThan(300);
    for (const kind of ['service', 'application'] as const) {
      const token = await issuer.mint({ kind });
      for (const time of ['first', 'repeated']) {
        const answer = await ask('GET', '/orders', token);
        expect({ kind, time, answer }).toEqual({
          ...{ kind, time },
          answer: { status: 403, code: 'PERSON_REQUIRED', challenge: undefined },
        });
      }
    }
    expect(refusals.at(-1)?.message).toBe(
      "only a person may do this, directly or through an application; this token is an application's own (kind: application): send an access token that was issued to a person who signed in",
    );
  });

  it('admits a service that acts for a person', async () => {
    const claims = { act: { sub: 'payments' } };
    expect((await ask('GET', '/orders', { kind: 'person', clientId: 'payments', claims })).status).toBe(200);
  });

  it('requires a recent sign-in with the challenge of RFC 9470, and notices when that of a repeated token gets too old', async () => {
    const token = await issuer.mint({ kind: 'person', signedInAgo: 290, scopes: ['orders:write'] });
    expect((await ask('POST', '/orders', token)).status).toBe(201);
    clock.advance(11_000);
    expect(await ask('POST', '/orders', token)).toEqual({
      status: 401,
      code: 'LOGIN_NOT_RECENT',
      challenge:
        'Bearer realm="orders", error="insufficient_user_authentication", error_description="the person must sign in again for this", max_age="300"',
    });
    const silent = await ask('POST', '/orders', { kind: 'person', claims: { auth_time: undefined } });
    expect(silent.code).toBe('LOGIN_NOT_RECENT');
    expect((await ask('POST', '/orders', { kind: 'service' })).code).toBe('PERSON_REQUIRED');
    expect((await ask('POST', '/orders', { kind: 'person', scopes: [] })).code).toBe('SCOPE_MISSING');
  });

  it('requires one of the acr values that it names', async () => {
    expect((await ask('POST', '/orders/large', { kind: 'person', acr: 'gold' })).status).toBe(201);
    for (const requested of [{}, { acr: 'bronze' }]) {
      const { status, code, challenge } = await ask('POST', '/orders/large', { kind: 'person', ...requested });
      expect([status, code]).toEqual([401, 'LOGIN_TOO_WEAK']);
      expect(challenge).toMatch(/insufficient_user_authentication.*max_age="300", acr_values="silver gold"$/);
    }
  });

  it('may leave this to a policy, whose refusal has the same challenge', async () => {
    expect((await ask('POST', '/orders/by-policy', { kind: 'person' })).status).toBe(201);
    const { status, challenge } = await ask('POST', '/orders/by-policy', { kind: 'person', signedInAgo: 31 });
    expect([status, challenge]).toEqual([401, expect.stringContaining('max_age="30"')]);
  });

  it('is reported as one', () => {
    const needs = report.map((line) => line.split(/ {2,}/)[1]);
    expect(needs).toEqual(
      expect.arrayContaining([
        'a person',
        'orders:write + a person who signed in at most 300 s ago',
        'a person who signed in at most 300 s ago with silver or gold',
        'a person + freshLogin',
      ]),
    );
  });

  it('cannot be declared with values that no challenge can carry', () => {
    expect(() => RequireRecentLogin(-1)).toThrow(RangeError);
    expect(() => RequireRecentLogin(1.5)).toThrow(RangeError);
    expect(() => RequireRecentLogin(1, { acrValues: ['a"b'] })).toThrow(RangeError);
  });
});
