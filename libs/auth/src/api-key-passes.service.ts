import { Inject, Injectable, type ExecutionContext } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import {
  DEFAULT_ROUTE_CLASS,
  limitExceeded,
  type ApiKeyIdentity,
  type ApiKeyOutcome,
  type ApiKeys,
  type Principal,
} from '@countersign/auth-core';
import { API_KEYS, fieldsOf, NO_FIELDS, ownApiKeyOf, passApiKeyNow, routeClassOf } from './api-keys.js';
import { addressOf, type Carrier } from './carrier.js';
import { FLOOD_GATE, LAST, type FloodGate } from './flood-gate.js';
import { type RouteNeeds } from './route-needs.js';

/** Handles the API key of a caller for the guard: spends from its limit, and counts the outcome of the request. */
@Injectable()
export class ApiKeyPasses {
  constructor(
    @Inject(API_KEYS) private readonly keys: ApiKeys | undefined,
    @Inject(FLOOD_GATE) private readonly floodGate: FloodGate | undefined,
    @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
  ) {}

  /** Whether a route accepts the caller's key. */
  takes(needs: RouteNeeds): boolean {
    return this.keys !== undefined && routeClassOf(needs) !== undefined;
  }

  /** Whether an HTTP caller with an API key may pass, as far as this process knows; if so, the request is spent and counted. */
  passesNow(principal: Principal, context: ExecutionContext, request: object, needs: RouteNeeds): boolean {
    const key = ownApiKeyOf(principal);
    if (key === undefined) return true;
    if (!needs.public && needs.asksDelegation === true) return false;
    const fields = passApiKeyNow(this.keys, key, needs, addressOf(request));
    if (fields === undefined) return false;
    if (fields !== NO_FIELDS) this.#sendFields(context, fields);
    return true;
  }

  /**
   * Spends one request, whatever its outcome: a refused one costs at least as much.
   * @throws {LimitExceeded}
   */
  async spend(key: ApiKeyIdentity, needs: RouteNeeds | undefined, context: ExecutionContext): Promise<void> {
    const routeClass = routeClassOf(needs) ?? DEFAULT_ROUTE_CLASS;
    const state = await this.keys?.spend(key, routeClass);
    if (state?.retryMs !== undefined) {
      this.floodGate?.note(context, routeClass);
      throw limitExceeded(state);
    }
    if (context.getType() === 'http') this.#sendFields(context, fieldsOf(state));
  }

  count(key: ApiKeyIdentity, needs: RouteNeeds | undefined, outcome: ApiKeyOutcome, carrier?: Carrier): void {
    const address = carrier === undefined ? undefined : addressOf(carrier.holder);
    this.keys?.count(key, routeClassOf(needs) ?? DEFAULT_ROUTE_CLASS, outcome, address);
  }

  /** Counts a refusal. @param status of the answer; 503 is not the caller's fault */
  countRefused(
    principal: Principal | undefined,
    needs: RouteNeeds | undefined,
    status: number,
    carrier?: Carrier,
  ): void {
    const key = principal === undefined ? undefined : ownApiKeyOf(principal);
    if (key !== undefined && status !== 503) this.count(key, needs, status === 429 ? 'limited' : 'denied', carrier);
  }

  /** Delays a refusal of a key that keeps sending after its limit. @param status of the answer */
  async slow(principal: Principal | undefined, status: number, context: ExecutionContext): Promise<void> {
    const key = principal === undefined || status !== 429 ? undefined : ownApiKeyOf(principal);
    if (key === undefined || context.getType() !== 'http') return;
    const isLast = await this.floodGate?.slow(key.id, context.getArgByIndex<object>(0));
    if (isLast === true) this.#sendFields(context, LAST);
  }

  #sendFields(context: ExecutionContext, fields: Readonly<Record<string, string>>): void {
    const response = context.getArgByIndex<unknown>(1);
    const { httpAdapter } = this.adapterHost;
    for (const name in fields) httpAdapter.setHeader(response, name, fields[name] ?? '');
  }
}
