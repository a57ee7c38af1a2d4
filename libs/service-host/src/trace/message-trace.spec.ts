import { Controller, Module, UseGuards, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import {
  BaseRpcContext,
  ClientProxyFactory,
  MessagePattern,
  MqttContext,
  NatsContext,
  RedisContext,
  RmqContext,
  Transport,
  type MicroserviceOptions,
} from '@nestjs/microservices';
import { freePort } from '@countersign/backing-services';
import { lastValueFrom } from 'rxjs';
import { messageTraceOf } from './message-trace.js';
import { type RequestTrace } from './request-trace.js';

const seen: RequestTrace[] = [];
class Watch implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    seen.push(messageTraceOf(context));
    return true;
  }
}

@Controller()
@UseGuards(Watch)
class Orders {
  @MessagePattern('orders.read')
  read(): object {
    return { id: 7 };
  }
}

@Module({ controllers: [Orders] })
class OrdersModule {}

class OwnNatsContext extends NatsContext {}
class OwnTransportContext extends BaseRpcContext {}

/** As the package's own class, which the services do not install. */
class Metadata {}

describe("a message's trace", () => {
  it('names the transport of a microservice as its method, and no address', async () => {
    const options = { host: '127.0.0.1', port: await freePort() };
    const app = await NestFactory.createMicroservice<MicroserviceOptions>(OrdersModule, {
      transport: Transport.TCP,
      options,
      logger: false,
    });
    await app.listen();
    const client = ClientProxyFactory.create({ transport: Transport.TCP, options });
    await expect(lastValueFrom(client.send('orders.read', {}))).resolves.toEqual({ id: 7 });
    client.close();
    await app.close();
    expect(seen).toEqual([expect.objectContaining({ method: 'TCP', route: 'orders.read', peer: 'tcp' })]);
  });

  it.each([
    [Transport[Transport.NATS], new NatsContext(['orders.read', undefined])],
    [Transport[Transport.REDIS], new RedisContext(['orders.read'])],
    [Transport[Transport.MQTT], new MqttContext(['orders.read', {}])],
    [Transport[Transport.RMQ], new RmqContext([{}, {}, 'orders.read'])],
    [Transport[Transport.GRPC], new Metadata()],
    ["the transport of a class that extends Nest's: NATS", new OwnNatsContext(['orders.read', undefined])],
    ['RPC', new OwnTransportContext([])],
    ['RPC', {}],
    ['RPC', undefined],
  ])('names %s', (name, message) => {
    const { read } = Orders.prototype;
    const trace = messageTraceOf(new ExecutionContextHost([{}, message], Orders, read));
    expect(trace.method).toBe(name.split(': ').at(-1));
    expect(trace.peer).toBe(trace.method.toLowerCase());
  });
});
