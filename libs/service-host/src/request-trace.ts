import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { randomHex, uuidv7 } from '@countersign/audit-client';
import { type FastifyRequest } from 'fastify';
import { addressOf } from './peer-address.js';

/** What ties one request to its logs, its audit events and its calls to other services. */
export interface RequestTrace {
  readonly requestId: string;
  /** W3C Trace Context of this hop: the caller's trace id, a new parent id. */
  readonly traceparent: string;
  readonly traceId: string;
  readonly method: string;
  /** The route's pattern (`/payments/:id`), never the raw path. */
  readonly route: string;
  /** The caller's address; behind trusted proxies the one that they name. */
  readonly peer: string;
}

const traceparentPattern = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const requestIdPattern = /^[A-Za-z0-9._-]{1,64}$/;
const zeroTrace = '0'.repeat(32);

function headerOf(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value : undefined;
}

const TRACE = Symbol('countersign.trace');
declare module 'fastify' {
  interface FastifyRequest {
    [TRACE]?: RequestTrace;
  }
}

function continued(request: FastifyRequest): { readonly traceId: string; readonly flags: string } | undefined {
  const header = headerOf(request, 'traceparent');
  const [, traceId, , flags] = (header === undefined ? undefined : traceparentPattern.exec(header)) ?? [];
  return traceId === undefined || flags === undefined || traceId === zeroTrace ? undefined : { traceId, flags };
}

/** The address that is farthest from here and well formed: what a trusted proxy forwards may be anything, then the proxy itself is what is known. */
function peerOf({ ip, ips, socket }: FastifyRequest): string {
  const known = addressOf(ip);
  if (known !== undefined) return known;
  const nearer = ips?.map(addressOf).findLast((address) => address !== undefined);
  return nearer ?? socket.remoteAddress ?? 'unknown';
}

/** The trace of a request, begun at the first question; continues the caller's `traceparent` when it is well formed. */
export function traceOf(request: FastifyRequest): RequestTrace {
  const known = request[TRACE];
  if (known !== undefined) return known;
  const { traceId, flags } = continued(request) ?? { traceId: randomHex(32), flags: '01' };
  const given = headerOf(request, 'x-request-id');
  const trace: RequestTrace = {
    requestId: given !== undefined && requestIdPattern.test(given) ? given : uuidv7(),
    traceparent: `00-${traceId}-${randomHex(16)}-${flags}`,
    traceId,
    method: request.method,
    route: request.routeOptions.url ?? 'unknown',
    peer: peerOf(request),
  };
  request[TRACE] = trace;
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
