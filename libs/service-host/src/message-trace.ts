import { type ExecutionContext } from '@nestjs/common';
import { childTraceparent, randomHex, uuidv7 } from '@countersign/audit-event';
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

/** The pattern that the handler is for, never the subject that was sent: with a wildcard that is the sender's own text. */
function patternOf(context: ExecutionContext): string {
  const patterns: unknown = Reflect.getMetadata('microservices:pattern', context.getHandler());
  const [pattern]: unknown[] = Array.isArray(patterns) ? patterns : [patterns];
  return typeof pattern === 'string' ? pattern : `${context.getClass().name}.${context.getHandler().name}`;
}

/** The trace of a NATS message, like that of a request: it continues the sender's `traceparent`. */
export function messageTraceOf(context: ExecutionContext): RequestTrace {
  const message = context.switchToRpc().getContext<unknown>();
  const traceparent = childTraceparent(headerOf(message, 'traceparent'), randomHex);
  const [, traceId = ''] = traceparent.split('-');
  return { requestId: uuidv7(), traceparent, traceId, method: 'NATS', route: patternOf(context), peer: 'nats' };
}
