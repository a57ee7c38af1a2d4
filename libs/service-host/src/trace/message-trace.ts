import { type ExecutionContext } from '@nestjs/common';
import { childTraceparent, randomHex, traceIdOf, uuidv7 } from '@countersign/audit-event';
import { type RequestTrace } from './request-trace.js';

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && name in value ? Reflect.get(value, name) : undefined;
}

/** A header of a NATS message, as its sender wrote the name. */
function headerOf(message: unknown, name: string): string | undefined {
  const headers = member(message, 'getHeaders');
  const held: unknown = typeof headers === 'function' ? headers.call(message) : undefined;
  const get = member(held, 'get');
  const value: unknown = typeof get === 'function' ? get.call(held, name) : undefined;
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The handler's pattern, never the subject that was sent: with a wildcard that would be the sender's own text. */
function patternOf(context: ExecutionContext): string {
  const patterns: unknown = Reflect.getMetadata('microservices:pattern', context.getHandler());
  const [pattern]: unknown[] = Array.isArray(patterns) ? patterns : [patterns];
  return typeof pattern === 'string' ? pattern : `${context.getClass().name}.${context.getHandler().name}`;
}

/** Nest's transport names by the class of the context that each passes to its handlers. Not imported: services without messages lack the package. */
const transports: ReadonlyMap<string, string> = new Map([
  ['TcpContext', 'TCP'],
  ['RedisContext', 'REDIS'],
  ['NatsContext', 'NATS'],
  ['MqttContext', 'MQTT'],
  ['RmqContext', 'RMQ'],
  ['KafkaContext', 'KAFKA'],
  // Of @grpc/grpc-js: Nest passes it on unchanged.
  ['Metadata', 'GRPC'],
]);

function classesOf(value: unknown): readonly string[] {
  const names: string[] = [];
  for (let at: unknown = value; typeof at === 'object' && at !== null; at = Reflect.getPrototypeOf(at)) {
    const made: unknown = member(at, 'constructor');
    if (typeof made === 'function') names.push(made.name);
  }
  return names;
}

/** The name of a message's transport, as in Nest's `Transport`; `RPC` for one that is not Nest's. */
function transportOf(message: unknown): string {
  return classesOf(message).flatMap((name) => transports.get(name) ?? [])[0] ?? 'RPC';
}

/** The trace of a message, like that of a request: its method is the transport, and it continues the sender's `traceparent` if NATS delivered one. */
export function messageTraceOf(context: ExecutionContext): RequestTrace {
  const message = context.switchToRpc().getContext<unknown>();
  const traceparent = childTraceparent(headerOf(message, 'traceparent'), randomHex);
  const traceId = traceIdOf(traceparent) ?? '';
  const method = transportOf(message);
  return { requestId: uuidv7(), traceparent, traceId, method, route: patternOf(context), peer: method.toLowerCase() };
}
