import {
  applyDecorators,
  Inject,
  Injectable,
  SetMetadata,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ownerOf } from '@countersign/auth-core';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { catchError, from, map, type Observable } from 'rxjs';
import { callerOf, setClaim, type Caller, type KeyClaim } from '../trail/caller.js';
import { parseIdempotencyKey, requestFingerprint } from '../requests/idempotency-key.js';
import { AnsweredBefore, KeyedAnswers, KeyRefused, type KeyedRoute } from './keyed-answers.service.js';
import { OpenApi } from '../openapi/openapi-decorators.js';

const KEYED_ROUTE = 'countersign:keyed-route';

/** Gives a request its claim to its Idempotency-Key, and a repeat the first response. */
@Injectable()
class KeyedRequests implements NestInterceptor {
  constructor(
    @Inject(Reflector) private readonly reflector: Reflector,
    @Inject(KeyedAnswers) private readonly answers: KeyedAnswers,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const { 'idempotency-key': header } = request.headers;
    if (header === undefined) return next.handle();
    const route = this.reflector.get<KeyedRoute>(KEYED_ROUTE, context.getHandler());
    const key = parseIdempotencyKey(header);
    const { subject, clientId } = ownerOf(callerOf(context).principal);
    const fingerprint = requestFingerprint(request.method, request.url, request.body);
    const claim: KeyClaim = { subject, clientId, key, fingerprint, kept: false };
    setClaim(request, claim);
    const caller = callerOf(context);
    return next.handle().pipe(
      map((body: unknown) => {
        // A bug in the service, found by the first test with a key.
        if (!claim.kept)
          throw new Error(`${request.routeOptions.url ?? ''} accepts an Idempotency-Key but stores no response`);
        return body;
      }),
      catchError((error: unknown) => from(this.#settle(error, caller, route, claim, http.getResponse<FastifyReply>()))),
    );
  }

  async #settle(
    error: unknown,
    caller: Caller,
    route: KeyedRoute,
    claim: KeyClaim,
    reply: FastifyReply,
  ): Promise<unknown> {
    if (error instanceof AnsweredBefore) {
      await this.answers.recordReplay(caller, route, error.resourceId);
      void reply.header('idempotency-replayed', 'true');
      return error.body;
    }
    if (!(error instanceof KeyRefused)) throw error;
    await this.answers.recordRefusal(caller, route, claim.key, error.problem.code);
    throw error.problem;
  }
}

/**
 * A POST that accepts an optional `Idempotency-Key`: for {@link IDEMPOTENCY_KEPT_HOURS}, a repeat of the same request gets the first response,
 * marked `Idempotency-Replayed: true`; with another body 422 `IDEMPOTENCY_KEY_REUSED`, and while the first is running 409
 * `IDEMPOTENCY_IN_FLIGHT`. Refusals are not stored. The handler's transaction calls {@link KeyedAnswers.begin} first and
 * {@link KeyedAnswers.keep} last.
 */
export function TakesIdempotencyKey(route: KeyedRoute): MethodDecorator {
  return applyDecorators(
    SetMetadata(KEYED_ROUTE, route),
    UseInterceptors(KeyedRequests),
    OpenApi(({ ApiHeader }) =>
      ApiHeader({
        name: 'Idempotency-Key',
        required: false,
        description: 'A repeat of the same request within 24 hours gets the first response.',
      }),
    ),
  );
}
