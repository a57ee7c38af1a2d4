import { Controller, Get, Injectable, Module, Post, Req } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { createTestIssuer, type TestIssuer } from '@countersign/test-kit';
import { AuthModule } from './auth.module.js';
import { type AuthSettings } from './auth.settings.js';
import { ActingFor, Authorize, Public, RequireAnyScope, RequireScopes, type Delegation } from './decorators.js';
import { assertOpenRoutes } from './open-routes.js';
import { type Policy } from './policy.js';
import { type Refusal } from './refusal.js';
import { routeNeeds } from './route-needs.js';
import { RouteReport } from './route-report.service.js';

@Injectable()
class Orders {
  ownerOf(id: unknown): string | undefined {
    return id === '7' ? 'ada' : undefined;
  }
}

const ownsOrder: Policy = (caller, { params, resolve }) => {
  const owner = resolve(Orders).ownerOf(params['id']);
  return owner === undefined ? 'hidden' : owner === caller.subject;
};
const inOfficeHours: Policy = () => Promise.resolve(true);

@Controller('orders')
@RequireScopes('orders:read')
@Authorize(inOfficeHours)
class OrdersController {
  @Get('mine')
  mine(@ActingFor() delegation: Delegation | undefined): object {
    return { delegation: delegation ?? null };
  }

  @Get('user')
  user(@Req() request: { user?: { subject: string } }): object {
    return { user: String(request.user?.subject) };
  }

  @Get(':id')
  @Authorize(ownsOrder)
  read(): object {
    return { id: 7 };
  }

  @Post()
  @RequireAnyScope('orders:write', 'orders:admin')
  write(): object {
    return { written: true };
  }

  @Get('status/open')
  @Public()
  open(): object {
    return { open: true };
  }
}

@Controller('forgotten')
class ForgottenController {
  @Get()
  read(): object {
    return {};
  }
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly challenge: string | null;
}

describe.each(['fastify', 'express'])('routes on %s', (adapter) => {
  let issuer: TestIssuer;
  let app: NestFastifyApplication | NestExpressApplication;
  let url: string;
  const reported: string[] = [];
  const refusals: Refusal[] = [];

  async function ask(path: string, token?: string, method = 'GET'): Promise<Answer> {
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const response = await fetch(`${url}${path}`, { method, headers });
    return {
      status: response.status,
      body: await response.json(),
      challenge: response.headers.get('www-authenticate'),
    };
  }

  beforeAll(async () => {
    issuer = await createTestIssuer({ audience: 'orders' });
    const settings: AuthSettings = {
      issuer: issuer.issuer,
      audience: 'orders',
      fetch: issuer.fetch,
      resource: 'https://api.test/shop',
      onRoutes: (lines) => reported.push(...lines),
      routeNote: (_handler, controller) => (controller === ForgottenController ? 'to be removed' : undefined),
      onRefused: (refusal) => {
        refusals.push(refusal);
        return Promise.resolve();
      },
    };
    @Module({
      imports: [AuthModule.forRootAsync({ useFactory: () => Promise.resolve(settings) })],
      controllers: [OrdersController, ForgottenController],
      providers: [Orders],
    })
    class OrdersModule {}
    app =
      adapter === 'fastify'
        ? await NestFactory.create<NestFastifyApplication>(OrdersModule, new FastifyAdapter(), { logger: false })
        : await NestFactory.create<NestExpressApplication>(OrdersModule, new ExpressAdapter(), { logger: false });
    app.setGlobalPrefix('v1');
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
  });
  afterAll(async () => {
    await app.close();
  });

  it('accept any one of several scopes, and name all of them to a caller with none', async () => {
    for (const scope of ['orders:write', 'orders:admin'])
      expect((await ask('/v1/orders', await issuer.mint({ scopes: [scope] }), 'POST')).status).toBe(201);
    const refused = await ask('/v1/orders', await issuer.mint({ scopes: ['orders:read'] }), 'POST');
    expect(refused.status).toBe(403);
    expect(refused.challenge).toContain('scope="orders:write orders:admin"');
  });

  it('ask a policy about the object, with providers of the application', async () => {
    const mint = (subject: string) => issuer.mint({ subject, scopes: ['orders:read'] });
    expect((await ask('/v1/orders/7', await mint('ada'))).status).toBe(200);
    expect((await ask('/v1/orders/7', await mint('bob'))).body).toMatchObject({ status: 403, code: 'POLICY_DENIED' });
    expect(refusals.at(-1)).toMatchObject({ detail: 'ownsOrder', principal: { subject: 'bob' } });
    expect((await ask('/v1/orders/8', await mint('ada'))).body).toMatchObject({ status: 404, code: 'NOT_FOUND' });
    const repeated = await mint('ada');
    for (const [path, status] of [
      ['/v1/orders/7', 200],
      ['/v1/orders/8', 404],
      ['/v1/orders/7', 200],
    ] as const)
      expect((await ask(path, repeated)).status).toBe(status);
  });

  it('give the delegation of the caller, undefined when it acts for itself', async () => {
    const claims = { act: { sub: 'payments', act: { sub: 'checkout' } } };
    const delegated = await issuer.mint({ subject: 'ada', scopes: ['orders:read'], claims });
    expect((await ask('/v1/orders/mine', delegated)).body).toEqual({
      delegation: { subject: 'ada', actor: { subject: 'payments' }, before: [{ subject: 'checkout' }] },
    });
    expect((await ask('/v1/orders/mine', await issuer.mint({ scopes: ['orders:read'] }))).body).toEqual({
      delegation: null,
    });
  });

  it('set the caller as the request’s user too, for first-seen and repeated tokens', async () => {
    const token = await issuer.mint({ subject: 'ada', scopes: ['orders:read'] });
    const other = await issuer.mint({ subject: 'bob', scopes: ['orders:read'] });
    for (const [one, user] of [
      [token, 'ada'],
      [token, 'ada'],
      [other, 'bob'],
      [token, 'ada'],
    ] as const)
      expect((await ask('/v1/orders/user', one)).body).toEqual({ user });
  });

  it('open a handler of a closed controller only when it says so', async () => {
    expect((await ask('/v1/orders/status/open')).status).toBe(200);
    expect((await ask('/v1/orders/mine')).status).toBe(401);
  });

  it('are described at the URL of RFC 9728, and each challenge points there', async () => {
    const { challenge } = await ask('/v1/orders/mine');
    const document = 'https://api.test/.well-known/oauth-protected-resource/shop';
    expect(challenge).toBe(`Bearer realm="orders", resource_metadata="${document}"`);
    const { status, body } = await ask(new URL(document).pathname);
    expect([status, body]).toEqual([
      200,
      {
        resource: 'https://api.test/shop',
        authorization_servers: [issuer.issuer],
        scopes_supported: ['orders:admin', 'orders:read', 'orders:write'],
        bearer_methods_supported: ['header'],
        resource_name: 'orders',
        dpop_signing_alg_values_supported: ['ES256', 'EdDSA', 'RS256', 'PS256'],
      },
    ]);
  });

  it('are reported at startup, each with what it needs', () => {
    expect(reported.map((line) => line.split(/ {2,}/))).toEqual([
      ['GET /v1/forgotten', 'undeclared', 'ForgottenController.read', 'to be removed'],
      ['GET /v1/orders/:id', 'orders:read + inOfficeHours + ownsOrder', 'OrdersController.read'],
      ['GET /v1/orders/mine', 'orders:read + inOfficeHours', 'OrdersController.mine'],
      ['GET /v1/orders/status/open', 'public', 'OrdersController.open'],
      ['GET /v1/orders/user', 'orders:read + inOfficeHours', 'OrdersController.user'],
      ['POST /v1/orders', '(orders:write | orders:admin) + inOfficeHours', 'OrdersController.write'],
    ]);
    expect(app.get(RouteReport).lines()).toEqual(reported);
  });

  it('fail a test when one is open by accident, declares nothing, or is not open as listed', () => {
    expect(() => {
      assertOpenRoutes(app, ['GET /v1/health']);
    }).toThrow(
      [
        'The routes differ from what the test expects:',
        '  - GET /v1/orders/status/open (OrdersController.open) is open',
        '  - GET /v1/forgotten (ForgottenController.read) declares nothing, so it refuses everybody',
        '  - GET /v1/health is not an open route',
      ].join('\n'),
    );
  });
});

describe("a route's decorators", () => {
  it("join: policies of both, the handler's own scopes instead of its controller's", () => {
    @RequireScopes('a')
    @Authorize(inOfficeHours)
    class Controlled {
      @RequireScopes('b')
      @RequireAnyScope('c', 'd')
      @Authorize(ownsOrder)
      read(): void {}
    }
    expect(routeNeeds(Reflect.get(Controlled.prototype, 'read'), Controlled)).toEqual({
      public: false,
      person: false,
      login: undefined,
      scopes: ['b'],
      anyScope: ['c', 'd'],
      policies: [inOfficeHours, ownsOrder],
    });
  });

  it('are refused at startup when they contradict each other', () => {
    const declare =
      (...decorators: readonly (MethodDecorator & ClassDecorator)[]) =>
      () => {
        class Contradicting {
          read(): void {}
        }
        const descriptor = Object.getOwnPropertyDescriptor(Contradicting.prototype, 'read');
        if (descriptor === undefined) return;
        for (const decorator of decorators) decorator(Contradicting.prototype, 'read', descriptor);
      };
    for (const pair of [
      [Public(), RequireScopes('a')],
      [RequireScopes('a'), Public()],
      [Public(), Authorize(ownsOrder)],
      [RequireScopes('a'), RequireScopes('b')],
    ])
      expect(declare(...pair)).toThrow(/contradicts/);
    expect(() => RequireAnyScope()).toThrow(/nobody would pass/);
  });

  it('of a subclass do not leak into its parent, and are inherited', () => {
    @RequireScopes('parent')
    class Parent {
      read(): void {}
    }
    class Child extends Parent {}
    @RequireScopes('own')
    class Other extends Parent {}
    const handler: object = Reflect.get(Parent.prototype, 'read');
    expect([Parent, Child, Other].map((one) => routeNeeds(handler, one))).toEqual(
      ['parent', 'parent', 'own'].map((scope) => expect.objectContaining({ scopes: [scope] })),
    );
  });
});
