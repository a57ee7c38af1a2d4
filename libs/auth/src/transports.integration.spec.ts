import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { type IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Args, GraphQLModule, Query, Resolver } from '@nestjs/graphql';
import { MercuriusDriver, type MercuriusDriverConfig } from '@nestjs/mercurius';
import { EventPattern, MessagePattern, Payload, Transport, type MicroserviceOptions } from '@nestjs/microservices';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { WsAdapter } from '@nestjs/platform-ws';
import { SubscribeMessage, WebSocketGateway, type OnGatewayConnection } from '@nestjs/websockets';
import { connect, headers, type NatsConnection } from '@nats-io/transport-node';
import { findNatsServer, freePort } from '@countersign/backing-services';
import { createTestIssuer, type TestIssuer } from '@countersign/test-kit';
import { WebSocket } from 'ws';
import { AuthModule } from './auth.module.js';
import { bindHandshake } from './carrier.js';
import { Authorize, CurrentPrincipal, Public, RequireScopes } from './decorators.js';
import { type Principal } from '@countersign/auth-core';
import { RouteReport } from './route-report.service.js';

const seen: string[] = [];

@Controller()
class OrdersMessages {
  @MessagePattern('orders.read')
  @RequireScopes('orders:read')
  @Authorize((_, { body }) => body !== 'secret')
  read(@Payload() id: string, @CurrentPrincipal() caller: Principal): object {
    return { id, by: caller.subject };
  }

  @MessagePattern('orders.forgotten')
  forgotten(): string {
    return 'open by accident';
  }

  @MessagePattern('orders.ping')
  @Public()
  ping(): string {
    return 'pong';
  }

  @EventPattern('orders.done')
  @RequireScopes('orders:write')
  done(@Payload() id: string): void {
    seen.push(id);
  }
}

@WebSocketGateway({ path: '/socket' })
class OrdersGateway implements OnGatewayConnection<WebSocket> {
  handleConnection(client: WebSocket, ...[request]: readonly IncomingMessage[]): void {
    if (request !== undefined) bindHandshake(client, request);
  }

  @SubscribeMessage('read')
  @RequireScopes('orders:read')
  read(@CurrentPrincipal() caller: Principal): object {
    return { event: 'read', data: { by: caller.subject } };
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
}

describe('the guard, beyond HTTP', () => {
  let nats: ChildProcess;
  let servers: string;
  let client: NatsConnection;
  let issuer: TestIssuer;
  let app: NestFastifyApplication | undefined;
  let url: string;

  async function create(inheritAppConfig: boolean): Promise<NestFastifyApplication> {
    @Module({
      imports: [
        AuthModule.forRoot({ issuer: issuer.issuer, audience: 'orders', fetch: issuer.fetch }),
        GraphQLModule.forRoot<MercuriusDriverConfig>({ driver: MercuriusDriver, autoSchemaFile: true }),
      ],
      controllers: [OrdersMessages],
      providers: [OrdersGateway, OrdersResolver],
    })
    class OrdersModule {}
    const made = await NestFactory.create<NestFastifyApplication>(OrdersModule, new FastifyAdapter(), {
      logger: false,
    });
    made.useWebSocketAdapter(new WsAdapter(made));
    made.connectMicroservice<MicroserviceOptions>(
      { transport: Transport.NATS, options: { servers } },
      { inheritAppConfig },
    );
    await made.startAllMicroservices();
    await made.listen(0, '127.0.0.1');
    return made;
  }

  async function request(
    subject: string,
    data: unknown,
    authorization?: string,
    name = 'Authorization',
  ): Promise<unknown> {
    const carried = headers();
    if (authorization !== undefined) carried.append(name, authorization);
    const message = await client.request(subject, JSON.stringify({ pattern: subject, data, id: '1' }), {
      headers: carried,
      timeout: 10_000,
    });
    return message.json();
  }

  async function overSocket(headersOfHandshake: Record<string, string>): Promise<unknown> {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/socket`, { headers: headersOfHandshake });
    await once(socket, 'open');
    socket.send(JSON.stringify({ event: 'read' }));
    const [answer]: unknown[] = await once(socket, 'message');
    socket.close();
    return JSON.parse(String(answer));
  }

  async function query(headersOfRequest: Record<string, string>): Promise<unknown> {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headersOfRequest },
      body: JSON.stringify({ query: '{ order(id: "7") }' }),
    });
    return response.json();
  }

  beforeAll(async () => {
    const port = await freePort();
    servers = `nats://127.0.0.1:${String(port)}`;
    nats = spawn(findNatsServer(), ['-a', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
    client = await connect({ servers, waitOnFirstConnect: true, maxReconnectAttempts: 600, reconnectTimeWait: 50 });
    issuer = await createTestIssuer({ audience: 'orders' });
    app = await create(true);
    url = await app.getUrl();
  }, 60_000);
  afterAll(async () => {
    await app?.close();
    await client.close();
    nats.kill();
  });

  const bearer = async (...scopes: string[]): Promise<string> =>
    `Bearer ${await issuer.mint({ subject: 'ada', scopes })}`;

  it('takes the token of a NATS message from its header, in either spelling, first seen and repeated', async () => {
    const authorization = await bearer('orders:read');
    for (const name of ['Authorization', 'authorization'])
      expect(await request('orders.read', '7', authorization, name)).toMatchObject({
        response: { id: '7', by: 'ada' },
      });
  });

  it('answers a refused message with the problem document', async () => {
    expect(await request('orders.read', '7')).toMatchObject({ err: { status: 401, code: 'TOKEN_MISSING' } });
    expect(await request('orders.read', '7', 'Bearer x.y.z')).toMatchObject({ err: { code: 'TOKEN_MALFORMED' } });
    expect(await request('orders.read', '7', await bearer())).toMatchObject({
      err: { status: 403, code: 'SCOPE_MISSING' },
    });
    expect(await request('orders.read', 'secret', await bearer('orders:read'))).toMatchObject({
      err: { code: 'POLICY_DENIED' },
    });
    expect(await request('orders.forgotten', 1, await bearer())).toMatchObject({ err: { code: 'ROUTE_NOT_DECLARED' } });
    expect(await request('orders.ping', 1)).toMatchObject({ response: 'pong' });
  });

  it('delivers an event only with its scope', async () => {
    for (const [data, authorization] of [
      ['forged', undefined],
      ['real', await bearer('orders:write')],
    ] as const) {
      const carried = headers();
      if (authorization !== undefined) carried.append('Authorization', authorization);
      client.publish('orders.done', JSON.stringify({ pattern: 'orders.done', data }), { headers: carried });
    }
    await client.flush();
    for (let wait = 0; wait < 100 && seen.length === 0; wait += 1) await delay(50);
    expect(seen).toEqual(['real']);
  });

  it('keeps message handlers closed in a microservice that does not inherit the global guard', async () => {
    await app?.close();
    const careless = await create(false);
    const answer = await request('orders.read', '7', await bearer('orders:read'));
    expect(answer).toMatchObject({ err: { message: 'Internal server error' } });
    expect(answer).not.toHaveProperty('response');
    await careless.close();
    app = await create(true);
    url = await app.getUrl();
  });

  it("takes a socket's token from its handshake", async () => {
    expect(await overSocket({ authorization: await bearer('orders:read') })).toEqual({
      event: 'read',
      data: { by: 'ada' },
    });
    expect(await overSocket({})).toMatchObject({ event: 'exception', data: { status: 401, code: 'TOKEN_MISSING' } });
    expect(await overSocket({ authorization: await bearer() })).toMatchObject({ data: { code: 'SCOPE_MISSING' } });
  });

  it('finds the request of a GraphQL operation', async () => {
    expect(await query({ authorization: await bearer('orders:read') })).toEqual({ data: { order: '7 for ada' } });
    expect(await query({})).toMatchObject({
      data: null,
      errors: [{ message: 'an access token is required.', extensions: { code: 'TOKEN_MISSING', status: 401 } }],
    });
    expect(await query({ authorization: await bearer() })).toMatchObject({
      errors: [{ extensions: { code: 'SCOPE_MISSING' } }],
    });
  });

  it('reports every kind of route', () => {
    const names = app
      ?.get(RouteReport)
      .routes()
      .map(({ name }) => name);
    expect(names).toEqual([
      'event orders.done',
      'message orders.forgotten',
      'message orders.ping',
      'message orders.read',
      'Query order',
      'socket read',
    ]);
  });
});
