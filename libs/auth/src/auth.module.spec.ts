import { Controller, Get, Inject, Injectable, Module, Req, Scope, type Type } from '@nestjs/common';
import { ApplicationConfig, MetadataScanner, NestApplication, NestContainer, NestFactory, REQUEST } from '@nestjs/core';
import { Injector } from '@nestjs/core/injector/injector.js';
import { InstanceLoader } from '@nestjs/core/injector/instance-loader.js';
import { NoopGraphInspector } from '@nestjs/core/inspector/noop-graph-inspector.js';
import { DependenciesScanner } from '@nestjs/core/scanner.js';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { createVerifier, TokenError } from '@countersign/auth-core';
import { createTestIssuer, type TestIssuer } from '@countersign/test-kit';
import { AuthModule } from './auth.module.js';
import { TOKEN_VERIFIER } from './auth.settings.js';
import { type AccessTokenVerifier } from './verification.js';
import { bindToken } from './carrier.js';
import { BearerCredential } from './credentials/bearer.js';
import { CREDENTIALS, type Credential } from './credentials/credential.js';
import { BearerToken, Authorize, Public, RequireScopes } from './decorators.js';
import { type Policy } from './policy.js';

@Controller('orders')
class OrdersController {
  @Get()
  @RequireScopes('orders:read')
  read(@Req() request: { user?: { subject: string } }): object {
    return { subject: request.user?.subject };
  }

  @Get('token')
  @RequireScopes('orders:read')
  readToken(@BearerToken() token: string): object {
    return { token };
  }
}

/** Creates an application like `Test.createTestingModule({ imports: [root] }).overrideProvider(token).useValue(value)`. */
async function overriding(root: Type, token: symbol, useValue: unknown): Promise<NestApplication> {
  const [config, adapter] = [new ApplicationConfig(), new FastifyAdapter()];
  const container = new NestContainer(config, { logger: false });
  const scanner = new DependenciesScanner(container, new MetadataScanner(), NoopGraphInspector, config);
  container.setHttpAdapter(adapter);
  await scanner.scan(root);
  const replacement = { scope: null, isProvider: true, useValue };
  container.replace(token, replacement);
  await new InstanceLoader(container, new Injector(), NoopGraphInspector).createInstancesOfDependencies();
  scanner.applyApplicationProviders();
  return new NestApplication(container, adapter, config, NoopGraphInspector, { logger: false });
}

const injected = async (
  app: NestApplication | NestFastifyApplication,
  url: string,
  token?: string,
  more: Record<string, string> = {},
) => {
  const adapter: unknown = app.getHttpAdapter();
  if (!(adapter instanceof FastifyAdapter)) throw new Error('not Fastify');
  return adapter.inject({
    method: 'GET',
    url,
    headers: token === undefined ? more : { ...more, authorization: `Bearer ${token}` },
  });
};

describe('the module', () => {
  let issuer: TestIssuer;
  beforeAll(async () => {
    issuer = await createTestIssuer({ audience: 'orders' });
  });
  const settings = () => ({ issuer: issuer.issuer, audience: 'orders', fetch: issuer.fetch });

  it('works with another verifier in a test, for first-seen tokens too', async () => {
    const other = await createTestIssuer({ audience: 'orders', issuer: 'https://other.test' });
    @Module({ imports: [AuthModule.forRoot(settings())], controllers: [OrdersController] })
    class OrdersModule {}
    const verifier = await createVerifier({ issuer: other.issuer, audience: 'orders', fetch: other.fetch });
    const app = await overriding(OrdersModule, TOKEN_VERIFIER, verifier);
    app.useLogger(false);
    await app.init();
    const token = await other.mint({ subject: 'ada', scopes: ['orders:read'] });
    for (let look = 0; look < 2; look += 1) {
      const answer = await injected(app, '/orders', token);
      expect([answer.statusCode, answer.json()]).toEqual([200, { subject: 'ada' }]);
    }
    const own = await injected(app, '/orders', await issuer.mint({ scopes: ['orders:read'] }));
    expect(own.statusCode).toBe(401);
    await app.close();
  });

  it('works with a test double that can only verify', async () => {
    @Module({ imports: [AuthModule.forRoot(settings())], controllers: [OrdersController] })
    class OrdersModule {}
    const real = await createVerifier(settings());
    const principal = real.verify(await issuer.mint({ subject: 'ada', scopes: ['orders:read'] }));
    const standIn: AccessTokenVerifier = { verifyWithRefresh: () => Promise.resolve(principal) };
    const app = await overriding(OrdersModule, TOKEN_VERIFIER, standIn);
    app.useLogger(false);
    await app.init();
    for (let look = 0; look < 2; look += 1)
      expect((await injected(app, '/orders', 'whatever')).json()).toEqual({ subject: 'ada' });
    const bound = await injected(app, '/orders', undefined, { authorization: 'DPoP whatever', dpop: 'x' });
    expect(bound.json()).toMatchObject({ code: 'DPOP_PROOF_INVALID' });
    await app.close();
  });

  it('tries each kind of credential in order, without the guard knowing any by name', async () => {
    @Module({ imports: [AuthModule.forRoot(settings())], controllers: [OrdersController] })
    class OrdersModule {}
    const verifier = await createVerifier(settings());
    const robots = await issuer.mint({ subject: 'robot', scopes: ['orders:read'] });
    const principal = verifier.verify(robots);
    const byKey: Credential = {
      verify: (carrier) => {
        const key = carrier.header('x-api-key');
        if (key === undefined) return undefined;
        bindToken(carrier.holder, robots);
        return key === 'right' ? Promise.resolve(principal) : Promise.reject(new TokenError('TOKEN_MALFORMED'));
      },
    };
    const app = await overriding(OrdersModule, CREDENTIALS, [byKey, new BearerCredential(verifier)]);
    app.useLogger(false);
    await app.init();
    const token = await issuer.mint({ subject: 'ada', scopes: ['orders:read'] });
    const ask = async (headers: Record<string, string>) => {
      const answer = await injected(app, '/orders', undefined, headers);
      return [answer.statusCode, answer.json<{ subject?: string; code?: string }>()];
    };
    expect(await ask({ 'x-api-key': 'right' })).toEqual([200, { subject: 'robot' }]);
    expect((await injected(app, '/orders/token', undefined, { 'x-api-key': 'right' })).json()).toEqual({
      token: robots,
    });
    expect(await ask({ 'x-api-key': 'wrong' })).toMatchObject([401, { code: 'TOKEN_MALFORMED' }]);
    for (let look = 0; look < 2; look += 1)
      expect(await ask({ authorization: `Bearer ${token}` })).toEqual([200, { subject: 'ada' }]);
    expect(await ask({ authorization: 'Basic YTpi' })).toMatchObject([401, { code: 'TOKEN_MISSING' }]);
    await app.close();
  });

  it('reports at startup that it is imported twice, and what to do', async () => {
    @Module({ imports: [AuthModule.forRoot(settings())], controllers: [OrdersController] })
    class OrdersModule {}
    @Module({ imports: [OrdersModule, AuthModule.forRoot({ ...settings(), audience: 'shop' })] })
    class ShopModule {}
    await expect(
      NestFactory.create(ShopModule, new FastifyAdapter(), { logger: false, abortOnError: false }),
    ).rejects.toThrow('AuthModule is imported 2 times: import it once, in the root module');
  });

  it('is a single one if the same import is in several modules', async () => {
    const auth = AuthModule.forRoot(settings());
    @Module({ imports: [auth], controllers: [OrdersController] })
    class OrdersModule {}
    @Module({ imports: [OrdersModule, auth] })
    class ShopModule {}
    const app = await NestFactory.create<NestFastifyApplication>(ShopModule, new FastifyAdapter(), { logger: false });
    await app.init();
    const token = await issuer.mint({ subject: 'ada', scopes: ['orders:read'] });
    expect((await injected(app, '/orders', token)).statusCode).toBe(200);
    await app.close();
  });

  it('lets a policy resolve request-scoped providers, the same instances as the handler’s', async () => {
    let made = 0;
    @Injectable({ scope: Scope.REQUEST })
    class Tenant {
      readonly number = (made += 1);
      constructor(@Inject(REQUEST) private readonly request: { query: { tenant?: string } }) {}
      get name(): string | undefined {
        return this.request.query.tenant;
      }
    }
    @Injectable()
    class Tenants {
      isOpen(name: string | undefined): boolean {
        return name === 'north';
      }
    }
    const ofOpenTenant: Policy = (_caller, { resolve }) => resolve(Tenants).isOpen(resolve(Tenant).name);
    const awaited: Policy = async (_caller, { resolve }) => {
      await Promise.resolve();
      return resolve(Tenant).name !== undefined;
    };
    @Controller('orders')
    class TenantController {
      constructor(@Inject(Tenant) private readonly tenant: Tenant) {}

      @Get()
      @RequireScopes('orders:read')
      @Authorize(ofOpenTenant, awaited)
      read(): object {
        return { tenant: this.tenant.name, number: this.tenant.number };
      }
    }
    @Controller('static')
    class StaticController {
      @Get()
      @Authorize(ofOpenTenant)
      read(): object {
        return {};
      }
      @Get('open')
      @Public()
      open(): object {
        return {};
      }
    }
    @Module({
      imports: [AuthModule.forRoot(settings())],
      controllers: [TenantController, StaticController],
      providers: [Tenant, Tenants],
    })
    class TenantModule {}
    const app = await NestFactory.create<NestFastifyApplication>(TenantModule, new FastifyAdapter(), { logger: false });
    await app.init();
    const token = await issuer.mint({ scopes: ['orders:read'] });
    for (let request = 1; request <= 2; request += 1) {
      const answer = await injected(app, '/orders?tenant=north', token);
      expect([answer.statusCode, answer.json()]).toEqual([200, { tenant: 'north', number: request }]);
    }
    expect((await injected(app, '/orders?tenant=south', token)).json()).toMatchObject({ code: 'POLICY_DENIED' });
    expect((await injected(app, '/static?tenant=north', token)).statusCode).toBe(200);
    expect((await injected(app, '/static?tenant=south', token)).statusCode).toBe(403);
    await app.close();
  });
});
