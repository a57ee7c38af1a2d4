import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import {
  authorizationHeaders,
  BoundedMap,
  protectedUrl,
  TokenRequestError,
  type AccessToken,
  type PrivateJwk,
  type TokenClient,
  reasonOf,
  retryAfterOf,
} from '@countersign/auth-core';
import { challengeOf } from './challenge.js';
import { CircuitBreaker, type CircuitLimits, type CircuitState } from './circuit-breaker.js';
import { isIdempotent, mayPass, pauseMs } from './retry.js';
import { type Failed, type ServiceAnswer, type ServiceCall } from './service-call.js';
import { childTraceparent } from '@countersign/audit-event/trace-context';
import { fetchTransport, isStream, wasNotSent, type Transport } from './transport.js';

/** How other services are called. */
export interface ServiceCallsOptions {
  readonly tokens: TokenClient;
  /** The key that the tokens are bound to (DPoP, RFC 9449): the same as the token client's. */
  readonly dpopKey?: PrivateJwk | undefined;
  /** Allows tokens to be sent over plain http beyond this machine's loopback address; false by default. */
  readonly allowPlainHttp?: boolean | undefined;
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Sends requests instead of `fetch`: over its own connections, for example. */
  readonly transport?: Transport | undefined;
  /** When to stop calling a failing receiver; each origin has its own breaker. */
  readonly circuit?: CircuitLimits | undefined;
  /** Maximum bytes of a response; 1 MiB by default. */
  readonly answerLimit?: number | undefined;
  /** Milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
  /** Milliseconds of a monotonic clock, for durations; `performance.now` by default. */
  readonly monotonic?: (() => number) | undefined;
  /** 0 to 1. */
  readonly random?: (() => number) | undefined;
}

/** The state kept for a receiver. */
interface Receiver {
  readonly breaker: CircuitBreaker;
  /** Its last nonce. */
  nonce: string | undefined;
}

/** Maximum receivers remembered. */
const RECEIVERS_KEPT = 1_000;

/** A call with its method in upper case: methods are case-sensitive (RFC 9110, section 9.1), and people write `get`. */
type Call = ServiceCall & { readonly method: string };

/** How one try ended, and what it used. */
interface Tried {
  readonly answer: ServiceAnswer;
  readonly token?: AccessToken;
  readonly nonce?: string | undefined;
}

/**
 * Calls other services: with the right token, a proof if it is bound to a key, trace context, a deadline, retries with jitter where they are safe,
 * and a circuit breaker for each receiver.
 */
export class ServiceCalls {
  readonly #transport: Transport;
  readonly #now: () => number;
  readonly #monotonic: () => number;
  readonly #random: () => number;
  readonly #receivers = new BoundedMap<string, Receiver>(RECEIVERS_KEPT);

  constructor(private readonly options: ServiceCallsOptions) {
    this.#transport = options.transport ?? fetchTransport(options.fetch ?? ((...request) => fetch(...request)));
    this.#now = options.now ?? Date.now;
    this.#monotonic = options.monotonic ?? (() => performance.now());
    this.#random = options.random ?? Math.random;
  }

  /** The state of a receiver's circuit breaker. @param url any URL of it */
  circuit(url: string): CircuitState {
    return this.#receivers.get(new URL(url).origin)?.breaker.state ?? 'closed';
  }

  /** Makes a call; every outcome is a value, nothing is thrown. */
  async send(wanted: ServiceCall): Promise<ServiceAnswer> {
    const call: Call = { ...wanted, method: (wanted.method ?? 'GET').toUpperCase() };
    const reason = whyNotTo(call.url, this.options.allowPlainHttp);
    if (reason !== undefined) return { kind: 'failed', code: 'NETWORK', reason, mayHaveHappened: false, attempts: 0 };
    const { deadlineMs = 5_000 } = call;
    const deadline = this.#monotonic() + deadlineMs;
    const expired = AbortSignal.timeout(Math.max(1, deadlineMs));
    const limit = call.attempts ?? 3;
    const once = isStream(call.body);
    const again = !once && (call.repeatable === true || isIdempotent(call.method, call.idempotencyKey));
    const passing = call.mayPass ?? mayPass;
    let unsure = false;
    let retried = false;
    for (let attempt = 1; ; attempt += 1) {
      const tried = await this.#try(call, expired, attempt);
      const answer = withDoubt(tried.answer, unsure);
      if (!once && !retried && this.#takesNonce(call.url, tried)) {
        retried = true;
        continue;
      }
      unsure = answer.mayHaveHappened || (answer.kind === 'answered' && answer.status !== 401);
      const passes = answer.kind === 'answered' ? passing(answer.status) : answer.code === 'NETWORK';
      const harmless = again || (!once && answer.kind === 'failed' && !answer.mayHaveHappened);
      if (!passes || !harmless || attempt >= limit) return answer;
      const header = answer.kind === 'answered' ? answer.headers.get('retry-after') : null;
      const asked = (retryAfterOf(header, this.#now()) ?? 0) * 1_000;
      const pause = pauseMs(attempt, this.#random(), asked);
      if (this.#monotonic() + pause >= deadline) return answer;
      await delay(pause);
    }
  }

  /**
   * A receiver that refuses the token, or requires its nonce in the proof, has done nothing: one more try meets its demand.
   * @returns whether there is a new token or nonce to try with
   */
  #takesNonce(url: string, { answer, token, nonce: used }: Tried): boolean {
    if (answer.kind !== 'answered') return false;
    const { error, nonce } = challengeOf(answer.headers);
    if (nonce !== undefined) this.#receiverOf(url).nonce = nonce;
    if (answer.status !== 401 || token === undefined) return false;
    if (error === 'use_dpop_nonce') return nonce !== undefined && nonce !== used;
    return error === 'invalid_token' && this.options.tokens.forget(token);
  }

  async #try(call: Call, expired: AbortSignal, attempts: number): Promise<Tried> {
    const traceparent = childTraceparent(call.traceparent, (digits) => randomBytes(digits / 2).toString('hex'));
    const failed = (code: Failed['code'], reason: string, mayHaveHappened: boolean): Tried => ({
      answer: {
        kind: 'failed',
        code: expired.aborted ? 'DEADLINE_EXCEEDED' : code,
        reason: expired.aborted ? 'no answer within the deadline' : reason,
        mayHaveHappened,
        attempts,
      },
    });
    const receiver = this.#receiverOf(call.url);
    if (receiver.breaker.state === 'open') return failed('CIRCUIT_OPEN', 'the receiver failed too often', false);
    let token: AccessToken;
    try {
      token = await this.#token(call, traceparent, expired);
    } catch (error) {
      const known = error instanceof TokenRequestError ? `${error.code}: ${error.message}` : reasonOf(error);
      return failed('TOKEN_UNAVAILABLE', known, false);
    }
    const { nonce } = receiver;
    const done = receiver.breaker.admit();
    if (done === undefined) return failed('CIRCUIT_OPEN', 'the receiver failed too often', false);
    let isAway = false;
    try {
      const request = {
        url: call.url,
        method: call.method,
        headers: headersOf(call, traceparent, this.#authorization(call, token, nonce)),
        body: call.json === undefined ? call.body : JSON.stringify(call.json),
        signal:
          call.timeoutMs === undefined ? expired : AbortSignal.any([expired, AbortSignal.timeout(call.timeoutMs)]),
        answerLimit: this.options.answerLimit ?? 1_048_576,
      };
      isAway = true;
      const read = await this.#transport(request);
      isAway = read.status >= 500;
      if (read.tooLarge) return failed('ANSWER_TOO_LARGE', 'the answer is larger than the limit', true);
      const { status, headers, body } = read;
      return { answer: { kind: 'answered', status, headers, body, mayHaveHappened: false, attempts }, token, nonce };
    } catch (error) {
      return failed('NETWORK', reasonOf(error), isAway && !wasNotSent(error));
    } finally {
      done(isAway);
    }
  }

  #authorization(call: Call, token: AccessToken, nonce: string | undefined): Readonly<Record<string, string>> {
    const { dpopKey } = this.options;
    const { method, url } = call;
    return authorizationHeaders(token, { method, url, dpopKey, nonce, now: this.#now });
  }

  #receiverOf(url: string): Receiver {
    const { origin } = new URL(url);
    const known = this.#receivers.get(origin);
    if (known !== undefined) return known;
    const receiver = { breaker: new CircuitBreaker(this.#monotonic, this.options.circuit), nonce: undefined };
    this.#receivers.set(origin, receiver);
    return receiver;
  }

  async #token(call: Call, traceparent: string, expired: AbortSignal): Promise<AccessToken> {
    const { audience, scopes, onBehalfOf } = call;
    const requested = { audience, scopes, traceparent };
    const { tokens } = this.options;
    const wanted =
      onBehalfOf === undefined
        ? tokens.getToken(requested)
        : tokens.exchange({ ...requested, subjectToken: onBehalfOf });
    const late = new Promise<never>((_, reject) => {
      const tell = (): void => {
        reject(new Error('no token within the deadline'));
      };
      if (expired.aborted) tell();
      else expired.addEventListener('abort', tell, { once: true });
    });
    return Promise.race([wanted, late]);
  }
}

/** Why a token must not be sent to a URL. @returns undefined if it may */
function whyNotTo(url: string, allowPlainHttp = false): string | undefined {
  if (!URL.canParse(url)) return `${JSON.stringify(url)} is not a URL`;
  try {
    protectedUrl(url, allowPlainHttp);
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

/** An earlier try may have been processed, whatever the last one answers. */
function withDoubt(answer: ServiceAnswer, unsure: boolean): ServiceAnswer {
  return unsure ? { ...answer, mayHaveHappened: true } : answer;
}

/** The call's own headers cannot override the headers that this library sets. */
function headersOf(
  call: Call,
  traceparent: string,
  authorization: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const own = Object.entries(call.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value] as const);
  return {
    accept: 'application/json',
    ...Object.fromEntries(own),
    ...(call.json === undefined ? {} : { 'content-type': 'application/json' }),
    ...(call.idempotencyKey === undefined ? {} : { 'idempotency-key': call.idempotencyKey }),
    traceparent,
    ...authorization,
  };
}
