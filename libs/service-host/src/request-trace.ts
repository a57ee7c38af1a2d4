import { randomUUID } from 'node:crypto';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { pooledRandomBytes } from '@countersign/audit-client';
import { type FastifyRequest } from 'fastify';

/** What ties one request to its logs, its audit events and its calls to other services. */
export interface RequestTrace {
  readonly requestId: string;
  /** W3C Trace Context of this hop: the caller's trace id, a new parent id. */
  readonly traceparent: string;
  readonly traceId: string;
  readonly method: string;
  /** The route's pattern (`/payments/:id`), never the raw path. */
  readonly route: string;
  readonly peer: string;
}

const traceparentPattern = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const requestIdPattern = /^[A-Za-z0-9._-]{1,64}$/;
const zeroTrace = '0'.repeat(32);

function headerOf(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value : undefined;
}

const traces = new WeakMap<FastifyRequest, RequestTrace>();

/** The trace of a request, begun at the first question; continues the caller's `traceparent` when it is well formed. */
export function traceOf(request: FastifyRequest): RequestTrace {
  const known = traces.get(request);
  if (known !== undefined) return known;
  const caller = traceparentPattern.exec(headerOf(request, 'traceparent') ?? '');
  const traceId =
    caller?.[1] !== undefined && caller[1] !== zeroTrace ? caller[1] : pooledRandomBytes(16).toString('hex');
  const flags = caller?.[3] ?? '01';
  const given = headerOf(request, 'x-request-id');
  const trace: RequestTrace = {
    requestId: given !== undefined && requestIdPattern.test(given) ? given : randomUUID(),
    traceparent: `00-${traceId}-${pooledRandomBytes(8).toString('hex')}-${flags}`,
    traceId,
    method: request.method,
    route: request.routeOptions.url ?? 'unknown',
    peer: request.ip,
  };
  traces.set(request, trace);
  return trace;
}

/** The `request` member of an audit event's data. */
export function auditRequest(trace: RequestTrace): { method: string; route: string; id: string; peer: string } {
  return { method: trace.method, route: trace.route, id: trace.requestId, peer: trace.peer };
}

/** Parameter decorator: the {@link RequestTrace} of the request at hand. */
export const Trace = createParamDecorator((_: unknown, context: ExecutionContext) =>
  traceOf(context.switchToHttp().getRequest<FastifyRequest>()),
);
