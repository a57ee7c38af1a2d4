import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Controller, Get, Module, type OnApplicationShutdown } from '@nestjs/common';
import { type FastifyReply } from 'fastify';
import { hostVariables } from '../configuration.js';
import { loadConfiguration } from '../load-configuration.js';
import { Unrecorded } from '../trail/recorded-answers.guard.js';
import { createService, type ServiceOptions } from './start-service.js';

@Unrecorded("shows nobody's data")
@Controller('orders')
class Orders {
  @Get()
  read(): object {
    return { id: 7 };
  }

  @Get('checked')
  async check(): Promise<object> {
    await delay(1_500);
    return { ok: true };
  }

  @Get('large')
  large(): object {
    return { text: 'x'.repeat(50_000_000) };
  }
}

let stopped = 0;
@Module({ controllers: [Orders] })
class OrdersModule implements OnApplicationShutdown {
  onApplicationShutdown(): void {
    stopped += 1;
  }
}

const create = (configure: NonNullable<ServiceOptions['configure']>) =>
  createService({
    name: 'orders',
    configuration: loadConfiguration(hostVariables, { PORT: '0', LOG_LEVEL: 'silent' }),
    module: OrdersModule,
    configure,
  });

describe('what a service adds to Fastify', () => {
  it("comes before its routes and behind the host's own hooks, and plug-ins are waited for", async () => {
    const routes: string[] = [];
    const app = await create(async (fastify) => {
      fastify.addHook('onRoute', ({ url }) => void routes.push(url));
      fastify.addHook('onRequest', async (_request, reply: FastifyReply) => {
        reply.header('content-security-policy', `default-src 'none'`);
        reply.header('x-seen', reply.hasHeader('x-request-id') ? 'after the host' : 'before the host');
      });
      await fastify.register((inner, _options, done) => {
        inner.get('/assets/app.css', (_request, reply) =>
          reply.header('cache-control', 'public, max-age=60').type('text/css').send('a{}'),
        );
        done();
      });
    });
    try {
      expect(routes).toEqual(expect.arrayContaining(['/assets/app.css', '/orders', '/health/live']));
      const answer = await app.inject('/orders');
      expect(answer.json()).toEqual({ id: 7 });
      expect(answer.headers).toMatchObject({
        'cache-control': 'no-store',
        'content-security-policy': `default-src 'none'`,
        'x-seen': 'after the host',
      });
      const asset = await app.inject('/assets/app.css');
      expect([asset.statusCode, asset.body]).toEqual([200, 'a{}']);
      expect(asset.headers).toMatchObject({
        'cache-control': 'public, max-age=60',
        'x-request-id': expect.any(String),
      });
      const missing = await app.inject('/assets/none.css');
      expect(missing.headers['content-type']).toContain('application/problem+json');
      expect(missing.headers['cache-control']).toBe('no-store');
    } finally {
      await app.close();
    }
  });

  it('does not cut a connection on which nothing moves because the answer takes long, but one whose reader does not read', async () => {
    const app = await create(() => undefined);
    try {
      await app.listen(0, '127.0.0.1');
      // Instead of a minute.
      app.getHttpServer().timeout = 500;
      const url = new URL(await app.getUrl());
      expect(await (await fetch(new URL('/orders/checked', url))).json()).toEqual({ ok: true });
      const reader = connect(Number(url.port), '127.0.0.1');
      const closed = once(app.getHttpServer(), 'connection').then(([socket]: Socket[]) =>
        once(socket ?? reader, 'close'),
      );
      reader.pause().write('GET /orders/large HTTP/1.1\r\nhost: orders\r\n\r\n');
      await closed;
      reader.destroy();
    } finally {
      await app.close();
    }
  }, 20_000);

  it('leaves nothing running when it fails', async () => {
    stopped = 0;
    await expect(create(() => Promise.reject(new Error('no such folder')))).rejects.toThrow('no such folder');
    expect(stopped).toBe(1);
  });
});
