import { Catch, Inject, Optional, NotFoundException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { type FastifyInstance, type FastifyReply } from 'fastify';
import { throwError, type Observable } from 'rxjs';
import { databaseReasonOf } from './database-fault.js';
import { type HealthRegistry } from '../health/health.js';
import { type PartLogger } from './part-logger.js';
import { OAuthError, Problem, problemOf, type ProblemDocument } from './problem.js';
import { HEALTH, LOGGER, OAUTH_ROUTES } from '../tokens.js';
import { traceOf, type RequestTrace, type TracedRequest } from '../trace/request-trace.js';

/** The content of an RpcException: the answer to the sender of a message. */
function messageAnswerOf(error: unknown): object | undefined {
  if (!(error instanceof Error) || !('getError' in error) || typeof error.getError !== 'function') return undefined;
  const held: unknown = error.getError();
  return typeof held === 'object' && held !== null ? held : undefined;
}

/** RFC 6749, section 5.2, allows printable ASCII without quote and backslash; a detail may quote what the caller sent. */
function descriptionOf(detail: string): string {
  return detail.replaceAll('"', "'").replaceAll(/[^\x20-\x7e]|\\/g, '?');
}

/** RFC 6749 defines no server errors for the token endpoint; these are the codes of its section 4.1.2.1. */
function oauthErrorNameOf(status: number): string {
  if (status < 500) return 'invalid_request';
  return status === 503 ? 'temporarily_unavailable' : 'server_error';
}

/** Fastify's request; an application that `createService` did not create does not know its routes. */
interface FoundRequest {
  readonly url: string;
  readonly is404?: boolean;
  readonly server?: { readonly routeMethods?: FastifyInstance['routeMethods'] };
}

/** The methods of a known path if the request matched no route; none for a resource that a route did not find. */
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

/** PostgreSQL's class of codes for insufficient resources: disk space, memory, connections. */
const RESOURCES = '53';
/** Milliseconds for which readiness reports it: until the next request that runs into it. */
const RESOURCES_LACK_MS = 10_000;
/** Milliseconds after which the same reason is logged again. */
const LOG_AGAIN_MS = 30_000;

/** The one place where errors become responses, for HTTP and messages: problem+json, or OAuth error JSON for {@link OAuthError} and refusals of the OAuth endpoints. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  #databaseReason = '';
  #databaseLoggedAt = -Infinity;

  constructor(
    @Inject(LOGGER) private readonly logger: PartLogger,
    @Inject(HEALTH) private readonly health: HealthRegistry,
    @Optional() @Inject(OAUTH_ROUTES) private readonly oauthRoutes?: string,
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

  /** One line for each reason and period, however many requests run into it. */
  #databaseUnavailable(error: unknown, seen: object): void {
    const { reason, code } = databaseReasonOf(error);
    if (code?.startsWith(RESOURCES) === true) this.health.fail('database', reason, RESOURCES_LACK_MS);
    const now = performance.now();
    const known = reason === this.#databaseReason && now - this.#databaseLoggedAt < LOG_AGAIN_MS;
    this.logger[known ? 'debug' : 'warn'](
      { reason, code, ...seen },
      'requests fail because the database is unavailable',
    );
    if (known) return;
    this.#databaseReason = reason;
    this.#databaseLoggedAt = now;
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
    else if (code.startsWith('DATABASE_')) this.#databaseUnavailable(error, seen);
    if (error instanceof Problem) {
      // Express has no `headers`.
      for (const [name, value] of Object.entries(error.headers)) void reply.header(name, value);
    }
    if (typeof problem['retry_after'] === 'number') void reply.header('retry-after', problem['retry_after']);
    this.send(reply, problem, trace);
  }

  /** Sends an OAuth endpoint's error; a filter for other media overrides it. */
  protected sendOAuth(reply: FastifyReply, { status, error, description, headers }: OAuthError): void {
    void reply
      .status(status)
      .headers({ 'cache-control': 'no-store', ...headers })
      .type('application/json')
      .send({ error, error_description: descriptionOf(description) });
  }

  /** Sends a problem; a filter for other media overrides it. */
  protected send(reply: FastifyReply, problem: ProblemDocument, { route, requestId }: RequestTrace): void {
    const { status, detail } = problem;
    if (this.oauthRoutes !== undefined && route.startsWith(this.oauthRoutes)) {
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
