import { STATUS_CODES } from 'node:http';
import { HttpException } from '@nestjs/common';
import { isInstance } from '@countersign/auth-core';
import { databaseFaultOf, type DatabaseFault } from './database-fault.js';

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

/** An OAuth endpoint's error (RFC 6749, section 5.2), sent as `{ error, error_description }`. */
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

/** A problem as it is sent (RFC 9457, section 3.1). */
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

/** A problem as one of Nest's exceptions, for code that must respond correctly without {@link ProblemFilter}. */
export function httpProblem(status: number, code: string, detail: string, extensions: object = {}): HttpException {
  return new HttpException(documentOf(status, code, detail, extensions), status);
}

/** Nest's message when no route was found. */
const NO_ROUTE = /^Cannot [A-Z]+ \//;

/** Refusals before a handler runs, by status; the framework provides nothing else. */
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

/** The service's own database was unavailable, busy or too slow: temporary, and not the caller's fault. */
const databaseProblems: Readonly<Record<DatabaseFault, readonly [string, string, object]>> = {
  away: ['DATABASE_UNAVAILABLE', 'The database is not available right now; retry later.', { retry_after: 1 }],
  refused: ['DATABASE_UNAVAILABLE', 'The database is not available right now; retry later.', { retry_after: 5 }],
  timeout: [
    'DATABASE_TIMEOUT',
    'The database did not answer in time; request less, or retry later.',
    { retry_after: 5 },
  ],
};

/** Turns anything thrown into its problem document; an unexpected error becomes a 500 that reveals nothing. */
export function problemOf(error: unknown): ProblemDocument {
  if (error instanceof Problem) return documentOf(error.status, error.code, error.detail, error.extensions);
  if (error instanceof HttpException) {
    const body = error.getResponse();
    if (isProblemBody(body)) return documentOf(error.getStatus(), body.code, body.detail, body);
    return transportProblem(error.getStatus(), error.message);
  }
  const fault = databaseFaultOf(error);
  if (fault !== undefined) return documentOf(503, ...databaseProblems[fault]);
  return documentOf(500, 'INTERNAL', 'An internal error occurred; look for the request id in the logs.');
}
