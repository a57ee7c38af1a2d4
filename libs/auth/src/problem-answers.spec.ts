import { Catch, Controller, Get, Module, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { createTestIssuer } from '@countersign/test-kit';
import { AuthModule } from './auth.module.js';
import { RequireScopes } from './decorators.js';

@Controller('orders')
class OrdersController {
  @Get()
  @RequireScopes('orders:read')
  read(): object {
    return { read: true };
  }
}

/** Like an application's own filter, with its own response format. */
@Catch()
class OwnFilter implements ExceptionFilter {
  constructor(private readonly answer: (response: unknown) => void) {}
  catch(_error: unknown, host: ArgumentsHost): void {
    this.answer(host.switchToHttp().getResponse());
  }
}

describe.each(['fastify', 'express'])('a refusal on %s', (kind) => {
  const answersOf = async (filter: boolean): Promise<readonly (readonly [number, string | null, unknown])[]> => {
    const issuer = await createTestIssuer({ audience: 'orders' });
    const settings = { issuer: issuer.issuer, audience: 'orders', fetch: issuer.fetch };
    @Module({ imports: [AuthModule.forRoot(settings)], controllers: [OrdersController] })
    class OrdersModule {}
    const adapter = kind === 'fastify' ? new FastifyAdapter() : new ExpressAdapter();
    const app = await NestFactory.create(OrdersModule, adapter, { logger: false });
    if (filter) {
      app.useGlobalFilters(
        new OwnFilter((response) => {
          app.getHttpAdapter().reply(response, { oops: true }, 499);
        }),
      );
    }
    await app.listen(0, '127.0.0.1');
    const url = `${await app.getUrl()}/orders`;
    const token = await issuer.mint({ scopes: ['orders:read'] });
    const answers = [];
    for (const headers of [{}, { authorization: `Bearer ${token}` }]) {
      const answer = await fetch(url, { headers });
      answers.push([answer.status, answer.headers.get('content-type'), await answer.json()] as const);
    }
    await app.close();
    return answers;
  };

  it('has the content type of a problem document (RFC 9457); what a handler answers has its own', async () => {
    expect(await answersOf(false)).toEqual([
      [401, 'application/problem+json; charset=utf-8', expect.objectContaining({ code: 'TOKEN_MISSING', status: 401 })],
      [200, 'application/json; charset=utf-8', { read: true }],
    ]);
  });

  it('has the content type of the application’s exception filter if that answers instead', async () => {
    const [refused] = await answersOf(true);
    expect(refused).toEqual([499, 'application/json; charset=utf-8', { oops: true }]);
  });
});
