import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { TokenRequestError, type TokenClient } from '@countersign/auth-core';
import { readAnswer } from './answer.js';
import { isIdempotent, mayPass, pauseMs, retryAfterMs } from './retry.js';
import { childTraceparent } from './traceparent.js';

/** One call to another service. */
export interface ServiceCall {
  /** The whole address, `https` outside of one machine. */
  readonly url: string;
  /** `GET` by default. */
  readonly method?: string;
  /** The service that is called: the token is for it alone. */
  readonly audience: string;
  /** No more than this call needs. */
  readonly scopes: readonly string[];
  /** The caller's own access token (`@BearerToken()`): it is exchanged, so that the call is made on the caller's behalf (RFC 8693). */
  readonly onBehalfOf?: string;
  /** W3C Trace Context of the request at hand; the call becomes a child of it. */
  readonly traceparent?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as `Idempotency-Key`; it makes a POST one that may be tried again. */
  readonly idempotencyKey?: string;
  /** Milliseconds for the token, every try and the pauses together; 5,000 by default. */
  readonly deadlineMs?: number;
  /** Tries at the most; 3 by default. What is not idempotent is sent once, and tried again only when it cannot have left. */
  readonly attempts?: number;
}

/** What came of a call. `failed` with `mayHaveHappened` was sent, and nobody knows whether it was done. */
export type ServiceAnswer =
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly headers: Headers;
      /** Parsed JSON, text of another type, or nothing. From outside: validate it. */
      readonly body: unknown;
      readonly attempts: number;
    }
  | {
      readonly kind: 'failed';
      readonly code: 'TOKEN_UNAVAILABLE' | 'DEADLINE_EXCEEDED' | 'NETWORK' | 'ANSWER_TOO_LARGE';
      readonly reason: string;
      readonly mayHaveHappened: boolean;
      readonly attempts: number;
    };

export interface ServiceCallsOptions {
  readonly tokens: TokenClient;
  readonly fetch?: typeof globalThis.fetch;
  /** Bytes that an answer may have at the most; 1 MiB by default. */
  readonly answerLimit?: number;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** 0 to 1. */
  readonly random?: () => number;
}

/** Codes of failures before anything was sent. */
const notSent = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT']);

function member(value: unknown, name: 'code' | 'cause' | 'message'): unknown {
  return typeof value === 'object' && value !== null && name in value ? Reflect.get(value, name) : undefined;
}

/** The system's code, wherever in the chain of causes it stands. */
function codeOf(error: unknown): string | undefined {
  for (let [cause, depth]: [unknown, number] = [error, 0]; cause !== undefined && depth < 5; depth += 1) {
    const code = member(cause, 'code');
    if (typeof code === 'string') return code;
    cause = member(cause, 'cause');
  }
  return undefined;
}

function reasonOf(error: unknown): string {
  const message = member(member(error, 'cause'), 'message') ?? member(error, 'message');
  return typeof message === 'string' ? message : String(error);
}

type Failure = Extract<ServiceAnswer, { readonly kind: 'failed' }>;

/** Calls other services: the right token, trace context, a deadline, further tries with jitter where they cannot do harm. */
export class ServiceCalls {
  readonly #fetch: typeof globalThis.fetch;
  readonly #now: () => number;
  readonly #random: () => number;

  constructor(private readonly options: ServiceCallsOptions) {
    this.#fetch = options.fetch ?? ((...request) => fetch(...request));
    this.#now = options.now ?? Date.now;
    this.#random = options.random ?? Math.random;
  }

  /** Makes a call; every outcome is a value, nothing is thrown. */
  async send(call: ServiceCall): Promise<ServiceAnswer> {
    const deadline = this.#now() + (call.deadlineMs ?? 5_000);
    const expired = AbortSignal.timeout(Math.max(1, deadline - this.#now()));
    const limit = call.attempts ?? 3;
    const again = isIdempotent(call.method ?? 'GET', call.idempotencyKey);
    let sent = false;
    for (let attempt = 1; ; attempt += 1) {
      const answer = await this.#try(call, expired, attempt);
      sent ||= answer.kind === 'answered' || answer.mayHaveHappened;
      const passes = answer.kind === 'answered' ? mayPass(answer.status) : answer.code === 'NETWORK';
      const harmless = again || (answer.kind === 'failed' && !answer.mayHaveHappened);
      const last = answer.kind === 'failed' ? { ...answer, mayHaveHappened: sent } : answer;
      if (!passes || !harmless || attempt >= limit) return last;
      const asked = answer.kind === 'answered' ? retryAfterMs(answer.headers.get('retry-after'), this.#now()) : 0;
      const pause = pauseMs(attempt, this.#random(), asked);
      if (this.#now() + pause >= deadline) return last;
      await delay(pause);
    }
  }

  async #try(call: ServiceCall, expired: AbortSignal, attempts: number): Promise<ServiceAnswer> {
    const traceparent = childTraceparent(call.traceparent, (digits) => randomBytes(digits / 2).toString('hex'));
    const failed = (code: Failure['code'], error: unknown, mayHaveHappened: boolean): Failure => ({
      kind: 'failed',
      code: expired.aborted ? 'DEADLINE_EXCEEDED' : code,
      reason: expired.aborted ? 'no answer within the deadline' : reasonOf(error),
      mayHaveHappened,
      attempts,
    });
    let token: string;
    try {
      token = await this.#token(call, traceparent, expired);
    } catch (error) {
      const known = error instanceof TokenRequestError ? `${error.code}: ${error.message}` : error;
      return failed('TOKEN_UNAVAILABLE', known, false);
    }
    try {
      const response = await this.#fetch(call.url, {
        method: call.method ?? 'GET',
        headers: headersOf(call, token, traceparent),
        ...(call.json === undefined ? {} : { body: JSON.stringify(call.json) }),
        redirect: 'error',
        signal: expired,
      });
      const read = await readAnswer(response, this.options.answerLimit ?? 1_048_576);
      if (read.tooLarge) return failed('ANSWER_TOO_LARGE', 'the answer is larger than the limit', true);
      return { kind: 'answered', status: response.status, headers: response.headers, body: read.body, attempts };
    } catch (error) {
      return failed('NETWORK', error, !notSent.has(codeOf(error) ?? ''));
    }
  }

  async #token(call: ServiceCall, traceparent: string, expired: AbortSignal): Promise<string> {
    const { audience, scopes, onBehalfOf } = call;
    const wish = { audience, scopes, traceparent };
    const { tokens } = this.options;
    const wanted =
      onBehalfOf === undefined ? tokens.getToken(wish) : tokens.exchange({ ...wish, subjectToken: onBehalfOf });
    const late = new Promise<never>((_, reject) => {
      const tell = (): void => {
        reject(new Error('no token within the deadline'));
      };
      if (expired.aborted) tell();
      else expired.addEventListener('abort', tell, { once: true });
    });
    const { token } = await Promise.race([wanted, late]);
    return token;
  }
}

/** What this library says of the caller cannot be overwritten by the call's own headers. */
function headersOf(call: ServiceCall, token: string, traceparent: string): Headers {
  const headers = new Headers({ accept: 'application/json', ...call.headers });
  if (call.json !== undefined) headers.set('content-type', 'application/json');
  if (call.idempotencyKey !== undefined) headers.set('idempotency-key', call.idempotencyKey);
  headers.set('traceparent', traceparent);
  headers.set('authorization', `Bearer ${token}`);
  return headers;
}
