import { STATUS_CODES } from 'node:http';
import { HttpException, type ExecutionContext } from '@nestjs/common';
import { TokenError, type Principal, type TokenErrorCode } from '@countersign/auth-core';
import { type CarrierKind } from './carrier.js';
import { asProblem } from './problem-answers.js';

/**
 * Why a request was refused: a token's fault; `ROUTE_NOT_DECLARED` for a route that declares neither what it needs nor that it is public;
 * `POLICY_DENIED` and `NOT_FOUND` by a policy; `CONTEXT_UNKNOWN` for a kind of context that the guard does not understand.
 */
export type RefusalCode = TokenErrorCode | RouteRefusalCode;
export type RouteRefusalCode = 'ROUTE_NOT_DECLARED' | 'POLICY_DENIED' | 'NOT_FOUND' | 'CONTEXT_UNKNOWN';

/** A refused request, for the audit trail. It holds no token. */
export interface Refusal {
  readonly code: RefusalCode;
  readonly status: number;
  /** What the caller sees. */
  readonly message: string;
  /** More for logs (the missing scope, the policy's name); may be undefined. */
  readonly detail: string | undefined;
  /** Known when the token itself was valid (a scope is missing). */
  readonly principal: Principal | undefined;
}

/** Called, and awaited, before a refusal is answered; the context leads to the framework's own request. */
export type RefusalListener = (refusal: Refusal, context: ExecutionContext) => Promise<void>;

const routeRefusals: Readonly<Record<RouteRefusalCode, readonly [status: 403 | 404, message: string]>> = {
  ROUTE_NOT_DECLARED: [403, 'this route is closed because it does not declare which scopes it needs'],
  POLICY_DENIED: [403, 'the caller may not do this'],
  NOT_FOUND: [404, 'not found'],
  CONTEXT_UNKNOWN: [403, 'this kind of request cannot be verified, so it is refused'],
};

/** A refusal that is not the token's fault. */
export class RouteError extends Error {
  readonly status: 403 | 404;
  constructor(
    readonly code: RouteRefusalCode,
    readonly detail?: string,
  ) {
    const [status, message] = routeRefusals[code];
    super(message);
    this.status = status;
  }
}

export function isRefused(error: unknown): error is TokenError | RouteError {
  return error instanceof TokenError || error instanceof RouteError;
}

/** The problem document (RFC 9457) sent to every kind of caller. */
export interface RefusalProblem {
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: RefusalCode;
}

/** @returns what the caller sees, and nothing more */
export function problemOf({ code, status, message }: Refusal): RefusalProblem {
  return { type: 'about:blank', title: STATUS_CODES[status] ?? 'Refused', status, detail: `${message}.`, code };
}

/** GraphQL sends an error's message and extensions. */
class GraphqlRefusal extends HttpException {
  readonly extensions: Readonly<Record<string, unknown>>;
  constructor(problem: RefusalProblem) {
    super({ ...problem, message: problem.detail }, problem.status);
    this.extensions = { code: problem.code, status: problem.status };
  }
}

type ErrorMaker = (problem: RefusalProblem) => Error;

const httpError: ErrorMaker = (problem) => new HttpException(asProblem(problem), problem.status);
const graphqlError: ErrorMaker = (problem) => new GraphqlRefusal(problem);

/** The packages for messages and sockets belong to the application, which loaded them before it could have such contexts. */
const lateMakers = {
  rpc: async (): Promise<ErrorMaker> => {
    const { RpcException } = await import('@nestjs/microservices');
    return (problem) => new RpcException({ ...problem });
  },
  ws: async (): Promise<ErrorMaker> => {
    const { WsException } = await import('@nestjs/websockets');
    return (problem) => new WsException({ ...problem });
  },
};

/** Creates the error that each kind of transport turns into a response. */
export class RefusalErrors {
  readonly #late = new Map<keyof typeof lateMakers, Promise<ErrorMaker>>();

  async make(kind: CarrierKind | undefined, problem: RefusalProblem): Promise<Error> {
    if (kind === 'rpc' || kind === 'ws') return (await this.#makerOf(kind))(problem);
    return (kind === 'graphql' ? graphqlError : httpError)(problem);
  }

  #makerOf(kind: keyof typeof lateMakers): Promise<ErrorMaker> {
    const known = this.#late.get(kind);
    if (known !== undefined) return known;
    const loading = lateMakers[kind]().catch(() => httpError);
    this.#late.set(kind, loading);
    return loading;
  }
}
