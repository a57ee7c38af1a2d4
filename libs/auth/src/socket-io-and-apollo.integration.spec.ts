import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Args, GraphQLModule, Query, Resolver } from '@nestjs/graphql';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { MemoryRevocationList, type Principal } from '@countersign/auth-core';
import { createTestIssuer, type TestIssuer } from '@countersign/test-kit';
import { io, type Socket } from 'socket.io-client';
import { AuthModule } from './auth.module.js';
import { CurrentPrincipal, RequireScopes } from './decorators.js';

@WebSocketGateway()
class OrdersGateway {
  @SubscribeMessage('read')
  @RequireScopes('orders:read')
  read(@CurrentPrincipal() caller: Principal): object {
    return { event: 'read', data: { by: caller.subject } };
  }

  @SubscribeMessage('forgotten')
  forgotten(): object {
    return { event: 'forgotten', data: 'open by accident' };
  }
}

@Resolver()
class OrdersResolver {
  @Query(() => String)
  @RequireScopes('orders:read')
  // As a compiler of decorators' metadata writes it, which GraphQL asks for even where the type is given.
  @Reflect.metadata('design:paramtypes', [String, Object])
  order(@Args('id', { type: () => String }) id: string, @CurrentPrincipal() caller: Principal): string {
    return `${id} for ${caller.subject}`;
  }

  @Query(() => String)
  forgotten(): string {
    return 'open by accident';
  }
}

describe('the guard, with Socket.IO and Apollo', () => {
  const revocations = new MemoryRevocationList();
  const sockets: Socket[] = [];
  let issuer: TestIssuer;
  let app: NestFastifyApplication;
  let url: string;

  beforeAll(async () => {
    issuer = await createTestIssuer({ audience: 'orders' });
    @Module({
      imports: [
        AuthModule.forRoot({ issuer: issuer.issuer, audience: 'orders', fetch: issuer.fetch, revocations }),
        GraphQLModule.forRoot<ApolloDriverConfig>({
          driver: ApolloDriver,
          autoSchemaFile: true,
          csrfPrevention: false,
        }),
      ],
      providers: [OrdersGateway, OrdersResolver],
    })
    class OrdersModule {}
    app = await NestFactory.create<NestFastifyApplication>(OrdersModule, new FastifyAdapter(), { logger: false });
    app.useWebSocketAdapter(new IoAdapter(app));
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
  }, 60_000);
  afterAll(async () => {
    for (const socket of sockets) socket.disconnect();
    await app.close();
  });

  const mint = (...scopes: string[]): Promise<string> => issuer.mint({ subject: 'ada', scopes });

  function connect(token?: string): Socket {
    const extraHeaders: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const socket = io(url, { transports: ['websocket'], reconnection: false, extraHeaders });
    sockets.push(socket);
    return socket;
  }

  async function ask(socket: Socket, event: string): Promise<unknown> {
    const answer = Promise.race([onceOf(socket, event), onceOf(socket, 'exception')]);
    socket.emit(event, { id: '7' });
    return answer;
  }

  const onceOf = async (socket: Socket, event: string): Promise<unknown> => {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    socket.once(event, resolve);
    return promise;
  };

  async function query(text: string, token?: string): Promise<unknown> {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify({ query: text }),
    });
    return response.json();
  }

  it('reads the token of a Socket.IO socket from its handshake, and checks each message again', async () => {
    const token = await issuer.mint({ subject: 'ada', scopes: ['orders:read'], claims: { jti: 'one' } });
    const socket = connect(token);
    expect([await ask(socket, 'read'), await ask(socket, 'read')]).toEqual([{ by: 'ada' }, { by: 'ada' }]);
    expect(await ask(socket, 'forgotten')).toMatchObject({ status: 403, code: 'ROUTE_NOT_DECLARED' });
    revocations.add({ kind: 'token', tokenId: 'one', until: Date.now() / 1_000 + 300 });
    expect(await ask(socket, 'read')).toMatchObject({ status: 401, code: 'TOKEN_REVOKED' });
    expect(await ask(connect(), 'read')).toMatchObject({ status: 401, code: 'TOKEN_MISSING' });
    expect(await ask(connect(await mint()), 'read')).toMatchObject({ status: 403, code: 'SCOPE_MISSING' });
  });

  it('finds the request of an Apollo operation', async () => {
    expect(await query('{ order(id: "7") }', await mint('orders:read'))).toEqual({ data: { order: '7 for ada' } });
    const refusals: readonly (readonly [string, string | undefined, number, string])[] = [
      ['{ order(id: "7") }', undefined, 401, 'TOKEN_MISSING'],
      ['{ order(id: "7") }', await mint(), 403, 'SCOPE_MISSING'],
      ['{ forgotten }', await mint('orders:read'), 403, 'ROUTE_NOT_DECLARED'],
    ];
    for (const [text, token, status, code] of refusals)
      expect(await query(text, token)).toMatchObject({ data: null, errors: [{ extensions: { code, status } }] });
  });
});
