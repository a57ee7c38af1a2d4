import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { childTraceparent, randomHex, traceIdOf, uuidv7 } from '@countersign/audit-event';
import { sharedByForms, type Principal } from '@countersign/auth-core';
import { addressOf } from './peer-address.js';

/** Links one request to its logs, its audit events and its calls to other services. */
export interface RequestTrace {
  readonly requestId: string;
  /** W3C Trace Context of this hop: the caller's trace id, a new parent id. */
  readonly traceparent: string;
  readonly traceId: string;
  readonly method: string;
  /** The route's pattern (`/payments/:id`), never the raw path. */
  readonly route: string;
  /** The caller's address; behind trusted proxies, the one that they report. */
  readonly peer: string;
}

const requestIdPattern = /^[A-Za-z0-9._-]{1,64}$/;

const TRACE = Symbol.for('countersign.trace');

/** The common parts of Fastify's and Express's requests, and where each stores its route's pattern. */
export interface TracedRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly ip?: string | undefined;
  readonly ips?: readonly string[] | undefined;
  readonly socket: { readonly remoteAddress?: string | undefined };
  /** Fastify's. */
  readonly routeOptions?: { readonly url?: string | undefined };
  /** Express's, once a route has matched. */
  readonly route?: { readonly path?: unknown } | undefined;
  readonly baseUrl?: string;
  [TRACE]?: RequestTrace;
}

function headerOf(request: TracedRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value : undefined;
}

/** The farthest well-formed address: a trusted proxy may forward anything, and then only the proxy itself is known. */
function peerOf({ ip, ips, socket }: TracedRequest): string {
  const known = ip === undefined ? undefined : addressOf(ip);
  if (known !== undefined) return known;
  const nearer = ips?.map(addressOf).findLast((address) => address !== undefined);
  return nearer ?? socket.remoteAddress ?? 'unknown';
}

function routeOf({ routeOptions, route, baseUrl = '' }: TracedRequest): string {
  if (routeOptions !== undefined) return routeOptions.url ?? 'unknown';
  return typeof route?.path === 'string' ? `${baseUrl}${route.path}` : 'unknown';
}

/** The trace of a request, created when first needed; continues the caller's `traceparent` when it is well formed. */
export function traceOf(request: TracedRequest): RequestTrace {
  const known = request[TRACE];
  if (known !== undefined) return known;
  const traceparent = childTraceparent(headerOf(request, 'traceparent'), randomHex);
  const given = headerOf(request, 'x-request-id');
  const trace: RequestTrace = {
    requestId: given !== undefined && requestIdPattern.test(given) ? given : uuidv7(),
    traceparent,
    traceId: traceIdOf(traceparent) ?? '',
    method: request.method,
    route: routeOf(request),
    peer: peerOf(request),
  };
  request[TRACE] = trace;
  return trace;
}

/** The `request` member of an audit event's data. */
export interface AuditRequest {
  readonly method: string;
  readonly route: string;
  readonly id: string;
  readonly peer: string;
}

const transactions = sharedByForms('request-transactions', () => new WeakMap<RequestTrace, string>());

/**
 * The transaction (RFC 8417) that a request starts if no token of its caller names one: the same in all events of the request, and never
 * the caller's choice, as {@link RequestTrace.requestId} may be.
 */
export function txnOf(trace: RequestTrace): string {
  const known = transactions.get(trace);
  if (known !== undefined) return known;
  const txn = uuidv7();
  transactions.set(trace, txn);
  return txn;
}

const audited = sharedByForms('audited-requests', () => new WeakMap<RequestTrace, AuditRequest>());
const recorded = sharedByForms('recorded-requests', () => new WeakSet<object>());
const refusedCallers = sharedByForms('refused-callers', () => new WeakMap<RequestTrace, Principal>());

/** The `request` member of the events of this request: always the same object, so that the recorder finds the request that it belongs to. */
export function auditRequest(trace: RequestTrace): AuditRequest {
  const known = audited.get(trace);
  if (known !== undefined) return known;
  const request = { method: trace.method, route: trace.route, id: trace.requestId, peer: trace.peer };
  audited.set(trace, request);
  return request;
}

/** Notes that an event, or a count that becomes one, was recorded for the request. @param request as {@link auditRequest} returned it */
export function markRecorded(request: object): void {
  recorded.add(request);
}

/** Notes the caller of a request that was refused although its token was valid: its log line names them. */
export function keepRefusedCaller(trace: RequestTrace, principal: Principal): void {
  refusedCallers.set(trace, principal);
}

/** The verified caller of a refused request, as noted by {@link keepRefusedCaller}. */
export function refusedCallerOf(trace: RequestTrace): Principal | undefined {
  return refusedCallers.get(trace);
}

/** Whether an event was recorded for the request. */
export function isRecorded(trace: RequestTrace): boolean {
  const request = audited.get(trace);
  return request !== undefined && recorded.has(request);
}

/** Parameter decorator: the {@link RequestTrace} of the request at hand. */
export const Trace = createParamDecorator((_: unknown, context: ExecutionContext) =>
  traceOf(context.switchToHttp().getRequest<TracedRequest>()),
);
