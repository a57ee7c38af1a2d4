import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { auditPrincipal, childTraceparent, randomHex, type EventContext } from '@countersign/audit-event';
import { callerTokenOf, verifiedPrincipal } from '@countersign/auth';
import { type Principal } from '@countersign/auth-core';
import { type FastifyRequest } from 'fastify';
import { type IdempotencyKey } from '../requests/idempotency-key.js';
import { auditRequest, traceOf, txnOf, type RequestTrace } from '../trace/request-trace.js';

/** A request that must be processed once under its Idempotency-Key. */
export interface KeyClaim {
  readonly subject: string;
  readonly clientId: string;
  readonly key: IdempotencyKey;
  /** Of method, URL and body. */
  readonly fingerprint: string;
  /** Whether the response was stored under the key. */
  kept: boolean;
}

const CLAIM = Symbol.for('countersign.key-claim');
declare module 'fastify' {
  interface FastifyRequest {
    [CLAIM]?: KeyClaim;
  }
}

/** Gives a request its claim, before its handler asks for the {@link Caller}. */
export function setClaim(request: FastifyRequest, claim: KeyClaim): void {
  request[CLAIM] = claim;
}

/** The verified caller, and the request. */
export interface Caller {
  readonly principal: Principal;
  readonly trace: RequestTrace;
  /** The access token, to be exchanged (RFC 8693). Never log or store it. */
  readonly token: string;
  /** Of a request with an Idempotency-Key, on a route that accepts one. */
  readonly claim?: KeyClaim | undefined;
}

/** The {@link Caller} of a request. @throws {Error} on a public route */
export function callerOf(context: ExecutionContext): Caller {
  const principal = verifiedPrincipal(context);
  const request = context.switchToHttp().getRequest<FastifyRequest>();
  return { principal, trace: traceOf(request), token: callerTokenOf(context), claim: request[CLAIM] };
}

/** Parameter decorator: the {@link Caller} of a route that verifies one. On a public route it throws. */
export const CurrentCaller = createParamDecorator((_: unknown, context: ExecutionContext) => callerOf(context));

/** A caller's part of an audit event. */
export function by({ principal, trace }: Pick<Caller, 'principal' | 'trace'>): EventContext {
  return {
    principal: auditPrincipal(principal),
    txn: principal.txn,
    traceparent: trace.traceparent,
    request: auditRequest(trace),
  };
}

/** The part of an audit event that comes from a request without a verified caller: it starts a transaction. */
export function byNobody(trace: RequestTrace): EventContext {
  return { principal: null, txn: txnOf(trace), traceparent: trace.traceparent, request: auditRequest(trace) };
}

/** Work that no request caused: a schedule, a recovery, a startup. */
export interface Unattended {
  /** The service's own client, if it acts with its own rights. */
  readonly clientId?: string;
  /** Of the request that originally started it, if one did. */
  readonly txn?: string | null;
  readonly traceparent: string;
}

/** Starts work that no request caused, in a separate trace. */
export function unattended(parts: Omit<Unattended, 'traceparent'> = {}): Unattended {
  return { ...parts, traceparent: childTraceparent(undefined, randomHex) };
}

/** The part of an audit event that unattended work has. */
export function byItself({ clientId, txn = null, traceparent }: Unattended): EventContext {
  const principal =
    clientId === undefined ? null : { subject: clientId, client_id: clientId, actors: [], scopes: [], jti: 'none' };
  return { principal, txn, traceparent };
}
