import { type Abstract, type ExecutionContext, type Type } from '@nestjs/common';
import { type PolicyProviders } from './policy-providers.js';
import { type Principal } from '@countersign/auth-core';
import { type CarrierKind } from './carrier.js';

/** What a policy receives besides the caller. It is untrusted and not validated yet: guards run before pipes. */
export interface PolicyRequest {
  readonly kind: CarrierKind;
  /** Path parameters; a GraphQL operation's arguments; empty for messages. */
  readonly params: Readonly<Record<string, unknown>>;
  readonly query: Readonly<Record<string, unknown>>;
  /** The parsed body, or the message's payload. */
  readonly body: unknown;
  /**
   * A provider of the application, by class or injection token, from any module. If it is created for each request (`REQUEST` or `TRANSIENT` scope),
   * the policy runs again once it exists, so resolve providers first, before any side effect.
   */
  resolve<Provider>(token: Type<Provider> | Abstract<Provider> | string | symbol): Provider;
}

/** `true` lets the caller pass, `false` answers 403 `POLICY_DENIED`, `'hidden'` answers 404 as for what does not exist. */
export type PolicyVerdict = boolean | 'hidden';

/**
 * A rule about one object, as a plain function: `const ownsOrder: Policy = async (caller, { params, resolve }) => …`. Its function name appears in
 * the route report, logs and refusals. It may throw a `TokenError` (as `requireRecentLogin` does), which is then answered with its own status and
 * challenge.
 */
export type Policy = (caller: Principal, request: PolicyRequest) => PolicyVerdict | Promise<PolicyVerdict>;

const empty: Readonly<Record<string, unknown>> = Object.freeze({});

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : empty;
}

function part(holder: object, name: string): unknown {
  return name in holder ? Reflect.get(holder, name) : undefined;
}

/** The parts of a request, message or operation that a policy receives. */
export function policyRequestOf(
  kind: CarrierKind,
  context: ExecutionContext,
  providers: PolicyProviders,
): PolicyRequest {
  const [first, second]: unknown[] = context.getArgs();
  const resolve: PolicyRequest['resolve'] = (token) => providers.get(token);
  if (kind === 'http' && typeof first === 'object' && first !== null) {
    const { params, query, body } = {
      params: part(first, 'params'),
      query: part(first, 'query'),
      body: part(first, 'body'),
    };
    return { kind, params: recordOf(params), query: recordOf(query), body, resolve };
  }
  if (kind === 'graphql') return { kind, params: recordOf(second), query: empty, body: undefined, resolve };
  return { kind, params: empty, query: empty, body: kind === 'rpc' ? first : second, resolve };
}
