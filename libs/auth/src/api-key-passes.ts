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
import { FLOOD_GATE, type FloodGate } from './flood-gate.js';
import { type RouteNeeds } from './route-needs.js';

/** What the guard does with the API key of a caller: it spends of its limit, and counts what became of the request. */
@Injectable()
export class ApiKeyPasses {
  constructor(
    @Inject(API_KEYS) private readonly keys: ApiKeys | undefined,
    @Inject(FLOOD_GATE) private readonly floodGate: FloodGate | undefined,
    @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
  ) {}

  /** Whether a route takes the caller's key. */
  takes(needs: RouteNeeds): boolean {
    return this.keys !== undefined && routeClassOf(needs) !== undefined;
  }

  /** Whether a caller of HTTP may pass who came by an API key, as far as it is known here; then it is spent and counted. */
  passesNow(principal: Principal, context: ExecutionContext, request: object, needs: RouteNeeds): boolean {
    const key = ownApiKeyOf(principal);
    if (key === undefined) return true;
    if (!needs.public && needs.asksDelegation === true) return false;
    const fields = passApiKeyNow(this.keys, key, needs, addressOf(request));
    if (fields === undefined) return false;
    if (fields !== NO_FIELDS) this.#tell(context, fields);
    return true;
  }

  /**
   * Spends one request, whatever becomes of it: one that is refused costs as much as another, or more.
   * @throws {LimitExceeded}
   */
  async spend(key: ApiKeyIdentity, needs: RouteNeeds | undefined, context: ExecutionContext): Promise<void> {
    const routeClass = routeClassOf(needs) ?? DEFAULT_ROUTE_CLASS;
    const state = await this.keys?.spend(key, routeClass);
    if (state?.retryMs !== undefined) {
      this.floodGate?.note(context, routeClass);
      throw limitExceeded(state);
    }
    if (context.getType() === 'http') this.#tell(context, fieldsOf(state));
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

  #tell(context: ExecutionContext, fields: Readonly<Record<string, string>>): void {
    const response: unknown = context.switchToHttp().getResponse();
    for (const name in fields) this.adapterHost.httpAdapter.setHeader(response, name, fields[name] ?? '');
  }
}
