import {
  Controller,
  Get,
  Module,
  RequestMethod,
  Version,
  VERSION_NEUTRAL,
  VersioningType,
  type Type,
} from '@nestjs/common';
import { type VersioningOptions } from '@nestjs/common';
import { NestFactory, RouterModule } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { createTestIssuer, type TestIssuer } from '@countersign/test-kit';
import { AuthModule } from './auth.module.js';
import { Public, RequireScopes } from './decorators.js';
import { assertOpenRoutes } from './open-routes.js';
import { RouteReport } from './route-report.service.js';

@Controller('v/x')
class VersionedController {
  @Get()
  @Version('1')
  @Public()
  first(): object {
    return { from: 'first' };
  }

  @Get()
  @Version(['2', '3'])
  @Public()
  second(): object {
    return { from: 'second' };
  }
}

@Controller({ path: 'neutral', version: VERSION_NEUTRAL })
class NeutralController {
  @Get('open')
  @Public()
  open(): object {
    return { from: 'neutral' };
  }
}

@Controller('health')
class HealthController {
  @Get()
  @Public()
  live(): object {
    return { from: 'health' };
  }

  @Get('details')
  @RequireScopes('health:read')
  details(): object {
    return {};
  }
}

describe.each(['fastify', 'express'])('the route report on %s', (platform) => {
  let issuer: TestIssuer;
  beforeAll(async () => {
    issuer = await createTestIssuer({ audience: 'orders' });
  });

  async function start(
    {
      controllers,
      imports = [],
    }: { controllers: Type[]; imports?: NonNullable<Parameters<typeof Module>[0]['imports']> },
    configure: (app: Awaited<ReturnType<typeof NestFactory.create>>) => void,
  ) {
    const { fetch } = issuer;
    @Module({
      imports: [
        AuthModule.forRoot({ issuer: issuer.issuer, audience: 'orders', fetch, onRoutes: () => undefined }),
        ...imports,
      ],
      controllers,
    })
    class RootModule {}
    const adapter = platform === 'fastify' ? new FastifyAdapter() : new ExpressAdapter();
    const app = await NestFactory.create(RootModule, adapter, { logger: false });
    configure(app);
    await app.listen(0, '127.0.0.1');
    const url = await app.getUrl();
    const names = app
      .get(RouteReport)
      .routes()
      .map(({ name }) => name);
    return {
      app,
      names,
      /** The response of each reported open route, when called by its own name. */
      answers: async (headers: Record<string, string> = {}): Promise<readonly string[]> =>
        Promise.all(
          names.map(async (name) => {
            const [, path = ''] = name.split(' ');
            const answer = await globalThis.fetch(`${url}${path}`, { headers });
            return `${name} ${String(answer.status)}`;
          }),
        ),
    };
  }
  const uri: VersioningOptions = { type: VersioningType.URI };

  it('names each version of a route by its own path, and each must be named open', async () => {
    const { app, names, answers } = await start({ controllers: [VersionedController, NeutralController] }, (made) => {
      made.enableVersioning(uri);
    });
    expect(names).toEqual(['GET /neutral/open', 'GET /v1/v/x', 'GET /v2/v/x', 'GET /v3/v/x']);
    expect(await answers()).toEqual(names.map((name) => `${name} 200`));
    expect(() => {
      assertOpenRoutes(app, ['GET /neutral/open', 'GET /v1/v/x', 'GET /v3/v/x']);
    }).toThrow('GET /v2/v/x (VersionedController.second) is open');
    assertOpenRoutes(app, names);
    await app.close();
  });

  it('follows the prefix of versions and their default', async () => {
    const { app, names, answers } = await start({ controllers: [HealthController, NeutralController] }, (made) => {
      made.enableVersioning({ ...uri, prefix: 'version-', defaultVersion: ['1', VERSION_NEUTRAL] });
    });
    expect(names).toEqual([
      'GET /health',
      'GET /health/details',
      'GET /neutral/open',
      'GET /version-1/health',
      'GET /version-1/health/details',
    ]);
    expect(await answers()).toEqual(names.map((name) => `${name} ${name.endsWith('details') ? '401' : '200'}`));
    await app.close();
  });

  it('distinguishes versions that are not in the path', async () => {
    const { app, names } = await start({ controllers: [VersionedController, NeutralController] }, (made) => {
      made.enableVersioning({ type: VersioningType.HEADER, header: 'x-version' });
    });
    expect(names).toEqual([
      'GET /neutral/open (any version)',
      'GET /v/x (version 1)',
      'GET /v/x (version 2)',
      'GET /v/x (version 3)',
    ]);
    expect(() => {
      assertOpenRoutes(app, ['GET /neutral/open (any version)', 'GET /v/x (version 1)', 'GET /v/x (version 3)']);
    }).toThrow('GET /v/x (version 2) (VersionedController.second) is open');
    await app.close();
  });

  it('follows the paths of RouterModule, and the prefix with what is excluded from it', async () => {
    @Module({ controllers: [HealthController] })
    class HealthModule {}
    const { app, names, answers } = await start(
      {
        controllers: [NeutralController],
        imports: [
          HealthModule,
          RouterModule.register([{ path: 'admin', children: [{ path: 'inner', module: HealthModule }] }]),
        ],
      },
      (made) => {
        made.setGlobalPrefix('api', { exclude: [{ path: 'neutral/open', method: RequestMethod.GET }] });
      },
    );
    expect(names).toEqual(['GET /api/admin/inner/health', 'GET /api/admin/inner/health/details', 'GET /neutral/open']);
    expect(await answers()).toEqual(names.map((name) => `${name} ${name.endsWith('details') ? '401' : '200'}`));
    await app.close();
  });

  it('names the host of a route', async () => {
    @Controller({ path: 'hosted', host: 'admin.test' })
    class HostedController {
      @Get()
      @Public()
      read(): object {
        return {};
      }
    }
    const { app, names } = await start({ controllers: [HostedController] }, () => undefined);
    expect(names).toEqual(['GET /hosted (host admin.test)']);
    await app.close();
  });
});
