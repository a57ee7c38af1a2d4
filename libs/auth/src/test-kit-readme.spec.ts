import { readFileSync } from 'node:fs';
import { Controller, Get } from '@nestjs/common';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import {
  badTokens,
  countersignMatchers,
  createAuditProbe,
  createFakeClock,
  createTestIssuer,
} from '@countersign/test-kit';
import { transform } from '@swc/core';
import { type AuthSettings } from './auth.settings.js';
import { RequireScopes } from './decorators.js';
import { startGuarded } from './testing/guarded-app.js';

expect.extend(countersignMatchers);

@Controller('orders')
class OrdersController {
  @Get(':id')
  @RequireScopes('orders:read')
  read(): object {
    return { id: 7 };
  }
}

const started: NestFastifyApplication[] = [];

async function startOrders(settings: AuthSettings): Promise<NestFastifyApplication> {
  const app = await startGuarded(settings, [OrdersController]);
  started.push(app);
  return app;
}

describe("the test kit's README", () => {
  afterAll(() => Promise.all(started.map((app) => app.close())));

  it('tests a guard in five lines, every bad token, and mints a person, as it says', async () => {
    const readme = readFileSync(new URL('../../test-kit/README.md', import.meta.url), 'utf8');
    const [five = '', bad = '', person = ''] = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code);
    expect(five.trim().split('\n')).toHaveLength(5);
    const { code } = await transform(`export default async () => {\n${five}\n${bad}\n${person}\n};`, {
      jsc: { parser: { syntax: 'typescript' }, target: 'es2023' },
      module: { type: 'commonjs' },
    });
    const exported: { default?: () => Promise<void> } = {};
    const names = ['exports', 'expect', 'createTestIssuer', 'badTokens', 'startOrders'];
    Reflect.construct(Function, [...names, code])(exported, expect, createTestIssuer, badTokens, startOrders);
    expect.hasAssertions();
    await exported.default?.();
  });

  it('lets a token expire by the clock, and sees each refusal', async () => {
    const clock = createFakeClock();
    const probe = createAuditProbe({ source: 'orders', now: clock.now });
    const issuer = await createTestIssuer({ audience: 'orders', now: clock.now });
    const { issuer: name, fetch } = issuer;
    const app = await startOrders({
      issuer: name,
      audience: 'orders',
      fetch,
      now: clock.now,
      onRefused: probe.onRefused,
    });
    const headers = { authorization: `Bearer ${await issuer.mint({ scopes: ['orders:read'] })}` };
    expect((await app.inject({ url: '/orders/7', headers })).statusCode).toBe(200);
    clock.advance(306_000);
    await expect(app.inject({ url: '/orders/7', headers })).toBeRefusedWith('TOKEN_EXPIRED');
    expect(probe.refusals.map(({ code }) => code)).toEqual(['TOKEN_EXPIRED']);
  });
});
