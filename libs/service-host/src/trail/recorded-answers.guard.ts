import { Inject, Injectable, SetMetadata, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { type Logger } from 'pino';
import { Counter, type Registry } from 'prom-client';
import { Problem, problemOf } from '../problems/problem.js';
import { auditRequest, isRecorded, markRecorded, traceOf, type RequestTrace } from '../trace/request-trace.js';
import { LOGGER, METRICS } from '../tokens.js';

const UNRECORDED = 'countersign:unrecorded';

/**
 * A route, or a controller, whose answers leave no audit event, and why. Every other route must record an event for each answer that shows,
 * changes or denies something; see `RecordedAnswers`.
 */
export function Unrecorded(why: string): ClassDecorator & MethodDecorator {
  return SetMetadata(UNRECORDED, why);
}

/** Why a route leaves no event. @returns undefined for a route that must */
export function unrecordedReason(handler: object, controller: object): string | undefined {
  const reason: unknown = Reflect.getMetadata(UNRECORDED, handler) ?? Reflect.getMetadata(UNRECORDED, controller);
  return typeof reason === 'string' ? reason : undefined;
}

/**
 * Says of one answer of a route that otherwise records that there is nothing to record: nobody is signed in, or what was to end had ended before.
 */
export function nothingToRecord(trace: RequestTrace): void {
  markRecorded(auditRequest(trace));
}

const EXPECTED = Symbol.for('countersign.record-expected');
declare module 'fastify' {
  interface FastifyRequest {
    [EXPECTED]?: true;
  }
}

/** Refusals that reveal something about the request's object; a malformed request (400, 413, 415, …) or a fault (5xx) shows nobody's data. */
const telling = new Set([401, 403, 404, 409, 412, 422]);

/**
 * Nothing happens unrecorded: an answer that shows, changes or denies something and for which no audit event was recorded is not sent.
 * So the first test that calls a handler finds a forgotten record.
 */
@Injectable()
export class RecordedAnswers implements CanActivate {
  readonly #withheld: Counter<'method' | 'route'>;
  /** By handler and controller. Decorators do not change, and reading their metadata costs more than the rest. */
  readonly #mustRecord = new WeakMap<object, WeakMap<object, boolean>>();

  constructor(
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(METRICS) metrics: Registry,
  ) {
    this.#withheld = new Counter({
      name: 'unrecorded_answers_total',
      help: 'Responses withheld because no audit event was recorded for them: a bug in the service.',
      labelNames: ['method', 'route'],
      registers: [metrics],
    });
  }

  /** Marks the request of a route that must record; it always lets pass. */
  canActivate(context: ExecutionContext): boolean {
    if (context.getType() !== 'http') return true;
    if (this.#mustBeRecorded(context.getHandler(), context.getClass()))
      context.switchToHttp().getRequest<FastifyRequest>()[EXPECTED] = true;
    return true;
  }

  #mustBeRecorded(handler: object, controller: object): boolean {
    let controllers = this.#mustRecord.get(handler);
    if (controllers === undefined) this.#mustRecord.set(handler, (controllers = new WeakMap()));
    let must = controllers.get(controller);
    if (must === undefined) controllers.set(controller, (must = unrecordedReason(handler, controller) === undefined));
    return must;
  }

  /** Fastify's `onSend` hook. @returns the payload, or instead the problem that says that it was withheld */
  check(request: FastifyRequest, reply: FastifyReply, payload: unknown): unknown {
    const { statusCode } = reply;
    if (request[EXPECTED] === undefined || (statusCode >= 400 && !telling.has(statusCode))) return payload;
    const trace = traceOf(request);
    if (isRecorded(trace)) return payload;
    const { method, route, requestId } = trace;
    this.#withheld.inc({ method, route });
    this.logger.error(
      { request_id: requestId, method, route, status: statusCode },
      'an unrecorded response was withheld',
    );
    const problem = problemOf(
      new Problem(500, 'UNRECORDED', 'The response was withheld because no audit event was recorded for it.'),
    );
    reply.code(500).removeHeader('content-length').type('application/problem+json');
    return JSON.stringify({ ...problem, request_id: requestId });
  }
}
