import { All, Controller, Inject, Req, Res } from '@nestjs/common';
import { RequireScopes } from '@countersign/auth';
import { boundedBody } from '@countersign/auth-core/jws';
import { CurrentCaller, OpenApi, Problem, Refusals, traceOf, Unrecorded, type Caller } from '@countersign/service-host';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { ConsoleCookies } from './console-cookies.service.js';
import { CONSOLE_OPTIONS, type ConsoleOptions } from './console-options.js';
import { ConsoleSessions } from './console-sessions.service.js';
import { ANSWER_LIMIT, mayPass } from './issuer-door.js';

const PREFIX = '/console/issuer/';
/** Milliseconds that the issuer may take. */
const LIMIT_MS = 15_000;

interface Passed {
  readonly status: number;
  readonly type: string;
  readonly body: Buffer;
}

const accessMissing = (): Problem =>
  new Problem(
    403,
    'ISSUER_ACCESS_MISSING',
    'You have not requested your rights at the issuer yet. Choose "Use my rights at the issuer"; your roles must include them.',
  );

/** The issuer's administration, for the screens that show and change it: with the rights of the calling person, never with the console's own. */
@OpenApi(({ ApiTags }) => ApiTags('console'))
@Controller('console/issuer')
export class IssuerDoorController {
  constructor(
    @Inject(CONSOLE_OPTIONS) private readonly options: ConsoleOptions,
    @Inject(ConsoleSessions) private readonly sessions: ConsoleSessions,
    @Inject(ConsoleCookies) private readonly cookies: ConsoleCookies,
    @Inject(Refusals) private readonly refusals: Refusals,
  ) {}

  /**
   * The issuer's response to `/admin/…`. 404 `ISSUER_PATH_CLOSED` for paths that the console does not use; 403 `ISSUER_ACCESS_MISSING` for a person who has
   * not yet requested their rights there (`GET /console/sign-in?for=issuer`), or has none.
   */
  @All('*')
  @RequireScopes()
  @Unrecorded(
    'the issuer records each of these calls, with the person as the caller; calls that do not reach it are recorded as refused',
  )
  async pass(
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @CurrentCaller() caller: Caller,
  ): Promise<void> {
    const [path = '', query] = request.url.slice(PREFIX.length).split('?');
    if (!request.url.startsWith(PREFIX) || !mayPass(request.method, path))
      throw await this.#refused(
        caller,
        new Problem(404, 'ISSUER_PATH_CLOSED', 'The console does not use this part of the issuer.'),
      );
    const secret = this.cookies.read(request.headers.cookie, 'console');
    const token = secret === undefined ? undefined : await this.sessions.tokenFor(secret, 'issuer');
    if (secret === undefined || token === undefined) throw await this.#refused(caller, accessMissing());
    const target = new URL(path, `${this.options.issuer}/`);
    target.search = query ?? '';
    let passed = await this.#ask(target, token, request);
    if (passed.status === 401) {
      // Refused before its expiry, for example because its key was revoked: nothing was done yet, and another one may be available.
      const renewed = await this.sessions.tokenFor(secret, 'issuer', token);
      if (renewed === undefined) throw await this.#refused(caller, accessMissing());
      passed = await this.#ask(target, renewed, request);
    }
    const { status, type, body } = passed;
    await reply.code(status).header('content-type', type).send(body);
  }

  async #refused({ trace, principal }: Caller, problem: Problem): Promise<Problem> {
    await this.refusals.recordOf(problem.code, trace, principal);
    return problem;
  }

  async #ask(target: URL, token: string, request: FastifyRequest): Promise<Passed> {
    const key = request.headers['idempotency-key'];
    const hasBody = request.body !== undefined && request.body !== null;
    try {
      const response = await fetch(target, {
        method: request.method,
        redirect: 'error',
        signal: AbortSignal.timeout(LIMIT_MS),
        headers: {
          authorization: `Bearer ${token}`,
          traceparent: traceOf(request).traceparent,
          ...(typeof key === 'string' ? { 'idempotency-key': key } : {}),
          ...(hasBody ? { 'content-type': 'application/json' } : {}),
        },
        ...(hasBody ? { body: JSON.stringify(request.body) } : {}),
      });
      const body = await boundedBody(response, ANSWER_LIMIT);
      return { status: response.status, type: response.headers.get('content-type') ?? 'application/json', body };
    } catch (error) {
      if (error instanceof RangeError)
        throw new Problem(
          502,
          'ISSUER_ANSWER_TOO_LARGE',
          'The issuer sent more than 4 MiB; request fewer at once (`limit`).',
        );
      throw new Problem(503, 'ISSUER_AWAY', 'The issuer does not answer; retry later.', { retry_after: 2 });
    }
  }
}
