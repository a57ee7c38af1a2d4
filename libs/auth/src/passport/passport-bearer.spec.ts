import { Controller, Get } from '@nestjs/common';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type Principal } from '@countersign/auth-core';
import { badTokens, createTestIssuer, type TestIssuer } from '@countersign/test-kit';
import passport from 'passport';
import { CurrentPrincipal, RequireScopes } from '../decorators.js';
import { passportBearer } from './index.js';
import { startGuarded } from '../testing/guarded-app.js';

@Controller('orders')
class OrdersController {
  @Get()
  @RequireScopes('orders:read')
  read(@CurrentPrincipal() caller: Principal): object {
    return { subject: caller.subject };
  }
}

describe('bearer tokens through Passport', () => {
  let issuer: TestIssuer;
  let app: NestFastifyApplication;
  const asked: string[] = [];
  const get = (token: string) => app.inject({ url: '/orders', headers: { authorization: `Bearer ${token}` } });

  beforeAll(async () => {
    issuer = await createTestIssuer({ audience: 'orders' });
    const settings = { issuer: issuer.issuer, audience: 'orders', fetch: issuer.fetch, bearer: passportBearer() };
    app = await startGuarded(settings, [OrdersController]);
    passport.authenticate = new Proxy(passport.authenticate, {
      apply: (target, self, given: readonly unknown[]): unknown => {
        asked.push(String(given[0]));
        return Reflect.apply(target, self, given);
      },
    });
  });
  afterAll(() => app.close());

  it('are verified through its strategy when first seen, and then cached', async () => {
    const token = await issuer.mint({ subject: 'ada', scopes: ['orders:read'] });
    for (let look = 0; look < 2; look += 1) {
      const answer = await get(token);
      expect([answer.statusCode, answer.json()]).toEqual([200, { subject: 'ada' }]);
    }
    expect(asked).toEqual(['countersign']);
  });

  it('that are invalid are refused with the same codes as without it', async () => {
    for (const { name, token, code } of await badTokens(issuer)) {
      if (token === '') continue;
      const answer = await get(token);
      expect([name, answer.json()]).toEqual([name, expect.objectContaining({ code })]);
    }
  });
});
