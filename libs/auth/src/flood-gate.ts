import { setImmediate as turn } from 'node:timers/promises';
import { type ExecutionContext } from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import {
  limitCodeOf,
  limitFields,
  tokenErrorReasons,
  type ApiKeyIdentity,
  type ApiKeys,
  type LimitState,
  type Principal,
} from '@countersign/auth-core';
import { ownApiKeyOf } from './api-keys.js';
import { type AuthSettings } from './auth.settings.js';
import { addressOf } from './carrier.js';
import { ApiKeyCredential } from './credentials/api-key.js';
import { PROBLEM_CONTENT_TYPE } from './problem-answers.js';
import { RefusalPace } from './refusal-pace.js';
import { problemOf, type Refusal } from './refusal.js';

/** Injection token of the {@link FloodGate}; undefined if the application accepts no API keys. */
export const FLOOD_GATE = Symbol.for('countersign.flood-gate');

/** Requests that the gate examines without a match before it pauses until the guard limits a key again. */
export const VAIN_LIMIT = 1_000;
/** The last answer on a connection. */
export const LAST = { connection: 'close' } as const;

/** Data of a route where a key was limited, noted by the guard the first time. */
interface LimitedRoute {
  readonly routeClass: string;
  readonly controller: ReturnType<ExecutionContext['getClass']>;
  readonly handler: ReturnType<ExecutionContext['getHandler']>;
}

/** The parts of Fastify's reply that are used here. */
interface Reply {
  code(status: number): Reply;
  headers(fields: Readonly<Record<string, string>>): Reply;
  send(body: string): unknown;
}

interface Limited {
  readonly route: LimitedRoute;
  readonly principal: Principal;
  readonly key: ApiKeyIdentity;
  readonly state: LimitState;
}

/** Fastify's: the same object for all requests of a route. */
function routeOf(request: object): object | undefined {
  const { routeOptions }: { readonly routeOptions?: unknown } = request;
  if (typeof routeOptions !== 'object' || routeOptions === null) return undefined;
  const { config }: { readonly config?: unknown } = routeOptions;
  return typeof config === 'object' && config !== null ? config : undefined;
}

/**
 * Answers a key over its limit before its request costs anything: no body is read, and Nest does not see it. It knows the routes at which the guard
 * has refused a key for its limit, and refuses exactly what the guard would refuse. A key that keeps sending is slowed ({@link RefusalPace}).
 */
export class FloodGate {
  readonly #routes = new WeakMap<object, LimitedRoute>();
  readonly #credential: ApiKeyCredential;
  readonly #pace = new RefusalPace();
  /** Requests that it will still examine. */
  #wakeFor = 0;

  constructor(
    private readonly keys: ApiKeys,
    private readonly settings: Pick<AuthSettings, 'onRefused' | 'problemMembers'>,
  ) {
    this.#credential = new ApiKeyCredential(keys);
  }

  /** Refusals that are currently held. */
  get waiting(): number {
    return this.#pace.waiting;
  }

  /** Notes a route at which a key was refused for its limit. */
  note(context: ExecutionContext, routeClass: string): void {
    const route = context.getType() === 'http' ? routeOf(context.switchToHttp().getRequest<object>()) : undefined;
    if (route === undefined) return;
    this.#wakeFor = VAIN_LIMIT;
    this.#routes.set(route, { routeClass, controller: context.getClass(), handler: context.getHandler() });
  }

  /**
   * Delays a refusal that the guard has made and counted, as the gate delays its own: on Express, where nothing can be asked before Nest, and the
   * first of a route on Fastify.
   * @param id of the key
   * @returns whether the answer is the last on its connection
   */
  async slow(id: string, request: object): Promise<boolean> {
    await turn();
    return new Promise((resolve) => {
      this.#pace.answer(id, request, resolve);
    });
  }

  /** Answers all held refusals, because the application stops. */
  close(): void {
    this.#pace.close();
  }

  /** Fastify's `onRequest` hook. */
  readonly onRequest = (request: object, reply: Reply, done: () => void): void => {
    const limited = this.#wakeFor > 0 ? this.#limited(request) : undefined;
    if (limited === undefined) {
      done();
      return;
    }
    // Allowed requests that arrived at the same time are served first: after a pause of the machine a flood would be ahead of them.
    setImmediate(() => {
      this.#refuse(limited, request, reply).catch(done);
    });
  };

  /** @returns undefined if the guard must decide, for example because the request is refused for another reason */
  #limited(request: object): Limited | undefined {
    this.#wakeFor -= 1;
    try {
      const principal = this.#credential.recall(request);
      const key = principal === undefined ? undefined : ownApiKeyOf(principal);
      if (principal === undefined || key === undefined) return undefined;
      const config = routeOf(request);
      const route = config === undefined ? undefined : this.#routes.get(config);
      if (route === undefined) return undefined;
      const state = this.keys.refusedNow(key, route.routeClass, addressOf(request));
      if (state === undefined) return undefined;
      this.#wakeFor = VAIN_LIMIT;
      return { route, principal, key, state };
    } catch {
      return undefined;
    }
  }

  /** @throws what the refusal listener threw: then nothing was answered or counted */
  async #refuse({ route, principal, key, state }: Limited, request: object, reply: Reply): Promise<void> {
    const code = limitCodeOf(state);
    const { status, message } = tokenErrorReasons[code];
    const refusal: Refusal = { code, status, message, detail: state.name, principal };
    const context = new ExecutionContextHost([request, reply, undefined], route.controller, route.handler);
    await this.settings.onRefused?.(refusal, context);
    this.keys.count(key, route.routeClass, 'limited', addressOf(request));
    const body = JSON.stringify({ ...problemOf(refusal), ...this.settings.problemMembers?.(context) });
    this.#pace.answer(key.id, request, (isLast) => {
      reply
        .code(status)
        .headers({ ...limitFields(state), ...(isLast ? LAST : {}), 'content-type': PROBLEM_CONTENT_TYPE })
        .send(body);
    });
  }
}
