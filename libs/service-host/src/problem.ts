import { STATUS_CODES } from 'node:http';
import {
  Catch,
  HttpException,
  Inject,
  NotFoundException,
  type ArgumentsHost,
  type ExceptionFilter,
} from '@nestjs/common';
import { isInstance } from '@countersign/auth-core';
import { type FastifyInstance, type FastifyReply } from 'fastify';
import { throwError, type Observable } from 'rxjs';
import { databaseFaultOf, databaseReasonOf, type DatabaseFault } from './database-fault.js';
import { type HealthRegistry } from './health.js';
import { type PartLogger } from './part-logger.js';
import { HEALTH, LOGGER } from './tokens.js';
import { traceOf, type RequestTrace, type TracedRequest } from './request-trace.js';

const PROBLEM = Symbol.for('countersign.problem');
const OAUTH_ERROR = Symbol.for('countersign.oauth-error');

/** RFC 9457 problem details, as a thrown value. */
export class Problem extends Error {
  static override [Symbol.hasInstance](value: unknown): boolean {
    return isInstance(value, this, Problem, PROBLEM);
  }

  /**
   * @param status HTTP status code
   * @param code stable upper-case code for logs, metrics and tests
   * @param detail one sentence for the caller; never a secret
   * @param extensions further members of the problem document (RFC 9457, section 3.2)
   * @param headers of the answer, such as a challenge
   */
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly extensions: Readonly<Record<string, unknown>> = {},
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(detail);
    this.name = 'Problem';
  }

  protected get [PROBLEM](): true {
    return true;
  }
}

/** An OAuth endpoint's error (RFC 6749, section 5.2), answered as `{ error, error_description }`. */
export class OAuthError extends Error {
  static override [Symbol.hasInstance](value: unknown): boolean {
    return isInstance(value, this, OAuthError, OAUTH_ERROR);
  }

  constructor(
    readonly status: number,
    readonly error: string,
    readonly description: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(description);
    this.name = 'OAuthError';
  }

  protected get [OAUTH_ERROR](): true {
    return true;
  }
}

/** A problem as it is answered (RFC 9457, section 3.1). */
export interface ProblemDocument {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly [extension: string]: unknown;
}

function documentOf(status: number, code: string, detail: string, extensions: object = {}): ProblemDocument {
  return { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail, code, ...extensions };
}

/** A problem as an exception of Nest's own, for what must answer rightly where {@link ProblemFilter} is not installed. */
export function httpProblem(status: number, code: string, detail: string, extensions: object = {}): HttpException {
  return new HttpException(documentOf(status, code, detail, extensions), status);
}

/** Nest's words where no route was found. */
const NO_ROUTE = /^Cannot [A-Z]+ \//;

/** What is refused before a handler runs, by its status; the framework gives no more. */
const transportProblems: Readonly<Record<number, readonly [string, string]>> = {
  404: ['ROUTE_UNKNOWN', 'There is no such route.'],
  413: ['BODY_TOO_LARGE', 'The body is larger than this service accepts (64 KiB).'],
  415: ['MEDIA_TYPE_UNSUPPORTED', 'Set Content-Type to a media type that this route accepts.'],
};

function transportProblem(status: number, message: string): ProblemDocument {
  const ofHandler = status === 404 && !NO_ROUTE.test(message);
  const known = ofHandler ? undefined : transportProblems[status];
  if (known !== undefined) return documentOf(status, ...known);
  return documentOf(status, `HTTP_${String(status)}`, message);
}

function isProblemBody(body: unknown): body is { code: string; detail: string } {
  return typeof body === 'object' && body !== null && 'code' in body && 'detail' in body;
}

/** The service's own database was away, busy or too slow: not the caller's fault, and soon over. */
const databaseProblems: Readonly<Record<DatabaseFault, readonly [string, string, object]>> = {
  away: ['DATABASE_UNAVAILABLE', 'The database is not available right now; retry later.', { retry_after: 1 }],
  refused: ['DATABASE_UNAVAILABLE', 'The database is not available right now; retry later.', { retry_after: 5 }],
  timeout: [
    'DATABASE_TIMEOUT',
    'The database did not answer in time; request less, or retry later.',
    { retry_after: 5 },
  ],
};

/** Turns whatever was thrown into its problem document; an unexpected error becomes a 500 that reveals nothing. */
export function problemOf(error: unknown): ProblemDocument {
  if (error instanceof Problem) return documentOf(error.status, error.code, error.detail, error.extensions);
  if (error instanceof HttpException) {
    const body = error.getResponse();
    if (isProblemBody(body)) return documentOf(error.getStatus(), body.code, body.detail, body);
    return transportProblem(error.getStatus(), error.message);
  }
  const fault = databaseFaultOf(error);
  if (fault !== undefined) return documentOf(503, ...databaseProblems[fault]);
  return documentOf(500, 'INTERNAL', 'An internal error occurred; find it in the logs by the request id.');
}

/** What an RpcException holds: the answer to the sender of a message. */
function messageAnswerOf(error: unknown): object | undefined {
  if (!(error instanceof Error) || !('getError' in error) || typeof error.getError !== 'function') return undefined;
  const held: unknown = error.getError();
  return typeof held === 'object' && held !== null ? held : undefined;
}

/** RFC 6749, section 5.2, allows printable ASCII without quote and backslash; a detail may quote what the caller sent. */
function descriptionOf(detail: string): string {
  return detail.replaceAll('"', "'").replaceAll(/[^\x20-\x7e]|\\/g, '?');
}

/** RFC 6749 names no errors of the server at the token endpoint; these are the names of its section 4.1.2.1. */
function oauthErrorNameOf(status: number): string {
  if (status < 500) return 'invalid_request';
  return status === 503 ? 'temporarily_unavailable' : 'server_error';
}

/** Fastify's request; an application that `createService` did not make does not know which routes it has. */
interface FoundRequest {
  readonly url: string;
  readonly is404?: boolean;
  readonly server?: { readonly routeMethods?: FastifyInstance['routeMethods'] };
}

/** The methods of a path that is known, where the request met no route; none of a resource that a route did not find. */
function allowedMethods({ is404, server, url }: FoundRequest): readonly string[] {
  return is404 === true ? (server?.routeMethods?.allowed(url) ?? []) : [];
}

function methodNotAllowed(methods: readonly string[]): Problem {
  return new Problem(405, 'METHOD_NOT_ALLOWED', `This path only accepts ${methods.join(', ')}.`);
}

/** Fastify says `sent`, Express `headersSent`. */
function wasSent(reply: { readonly sent?: boolean; readonly headersSent?: boolean }): boolean {
  return reply.sent ?? reply.headersSent ?? false;
}

/** Of PostgreSQL's codes the class for what it lacks: room on disk, memory, connections. */
const RESOURCES = '53';
/** Milliseconds for which readiness says so: until the next request that meets it. */
const RESOURCES_LACK_MS = 10_000;
/** Milliseconds after which the same reason is logged again. */
const TELL_AGAIN_MS = 30_000;

/** The one place where errors become answers, of HTTP and of messages: problem+json, or OAuth error JSON for {@link OAuthError} and whatever the OAuth endpoints refuse. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  #databaseReason = '';
  #databaseToldAt = -Infinity;

  constructor(
    @Inject(LOGGER) private readonly logger: PartLogger,
    @Inject(HEALTH) private readonly health: HealthRegistry,
  ) {}

  catch(error: unknown, host: ArgumentsHost): Observable<never> | undefined {
    if (host.getType() !== 'http') {
      const answer = messageAnswerOf(error);
      return throwError(() => answer ?? this.#unplanned(error));
    }
    this.#answer(error, host);
    return undefined;
  }

  #unplanned(error: unknown): ProblemDocument {
    const problem = problemOf(error);
    if (problem.code === 'INTERNAL') this.logger.error({ err: error }, 'message failed');
    return problem;
  }

  /** One line for each reason and moment, however many requests meet it. */
  #forWantOfDatabase(error: unknown, seen: object): void {
    const { reason, code } = databaseReasonOf(error);
    if (code?.startsWith(RESOURCES) === true) this.health.fail('database', reason, RESOURCES_LACK_MS);
    const now = performance.now();
    const known = reason === this.#databaseReason && now - this.#databaseToldAt < TELL_AGAIN_MS;
    this.logger[known ? 'debug' : 'warn'](
      { reason, code, ...seen },
      'requests fail because the database is unavailable',
    );
    if (known) return;
    this.#databaseReason = reason;
    this.#databaseToldAt = now;
  }

  #answer(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const reply = http.getResponse<FastifyReply>();
    const trace = traceOf(http.getRequest<TracedRequest>());
    if (wasSent(reply)) return;
    if (error instanceof OAuthError) {
      this.sendOAuth(reply, error);
      return;
    }
    const allowed = error instanceof NotFoundException ? allowedMethods(http.getRequest<FoundRequest>()) : [];
    if (allowed.length > 0) void reply.header('allow', allowed.join(', '));
    const problem = problemOf(allowed.length > 0 ? methodNotAllowed(allowed) : error);
    const { code } = problem;
    const seen = { request_id: trace.requestId, trace_id: trace.traceId };
    if (code === 'INTERNAL') this.logger.error({ err: error, ...seen }, 'request failed');
    else if (code.startsWith('DATABASE_')) this.#forWantOfDatabase(error, seen);
    if (error instanceof Problem) {
      // Express has no `headers`.
      for (const [name, value] of Object.entries(error.headers)) void reply.header(name, value);
    }
    if (typeof problem['retry_after'] === 'number') void reply.header('retry-after', problem['retry_after']);
    this.send(reply, problem, trace);
  }

  /** Answers an OAuth endpoint's error; a filter for other media overrides it. */
  protected sendOAuth(reply: FastifyReply, { status, error, description, headers }: OAuthError): void {
    void reply
      .status(status)
      .headers({ 'cache-control': 'no-store', ...headers })
      .type('application/json')
      .send({ error, error_description: descriptionOf(description) });
  }

  /** Answers a problem; a filter for other media overrides it. */
  protected send(reply: FastifyReply, problem: ProblemDocument, { route, requestId }: RequestTrace): void {
    const { status, detail } = problem;
    if (route.startsWith('/oauth2/')) {
      void reply
        .status(status)
        .header('cache-control', 'no-store')
        .type('application/json')
        .send({ error: oauthErrorNameOf(status), error_description: descriptionOf(detail) });
      return;
    }
    void reply
      .status(status)
      .type('application/problem+json')
      .send({ ...problem, request_id: requestId });
  }
}
