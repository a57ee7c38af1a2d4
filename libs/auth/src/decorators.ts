import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { type Actor, type Principal } from '@countersign/auth-core';
import { authorizedToken, carrierOf, principalOf } from './carrier.js';
import { type Policy } from './policy.js';
import { declareNeeds } from './route-needs.js';

/** An open route: no token is looked at. Every other route must say what it needs. */
export function Public(): ClassDecorator & MethodDecorator {
  return declareNeeds('@Public()', { public: true });
}

/**
 * The scopes that a caller needs, all of them (RFC 6750, section 3.1). With none, any verified caller may pass.
 * It stands on a handler or on a controller; the handler's own scopes replace the controller's.
 */
export function RequireScopes(...scopes: readonly string[]): ClassDecorator & MethodDecorator {
  return declareNeeds('@RequireScopes()', { scopes });
}

/**
 * Scopes of which a caller needs one; beside `@RequireScopes()`, one of these and all of those.
 * @throws {TypeError} at once when none is named: nobody could pass
 */
export function RequireAnyScope(...scopes: readonly string[]): ClassDecorator & MethodDecorator {
  if (scopes.length === 0) throw new TypeError('@RequireAnyScope() names no scope, so nobody could pass');
  return declareNeeds('@RequireAnyScope()', { anyScope: scopes });
}

/**
 * A {@link Policy} that must let the caller pass, asked after the scopes: whether this caller may touch this object.
 * Several are asked in order, the controller's first. By itself it declares the route: any verified caller whom the policy lets pass.
 */
export function Authorize(...policies: readonly [Policy, ...Policy[]]): ClassDecorator & MethodDecorator {
  return declareNeeds('@Authorize()', { policies });
}

/** The verified caller of a request or message. @throws on a route that verifies nobody */
export function verifiedPrincipal(context: ExecutionContext): Principal {
  return verified(context, 'the caller');
}

/** The caller's own access token, to be exchanged (RFC 8693). @throws on a route that verifies nobody */
export function callerTokenOf(context: ExecutionContext): string {
  const token = authorizedToken(carrierOf(context)?.header('authorization'));
  if (token === undefined) throw new Error('a token was asked for on a route that verifies no caller');
  return token;
}

function verified(context: ExecutionContext, asker: string): Principal {
  const carrier = carrierOf(context);
  const principal = carrier === undefined ? undefined : principalOf(carrier.holder);
  if (principal === undefined) throw new Error(`${asker} on a route that verifies no caller`);
  return principal;
}

/** Parameter decorator: the verified caller. On a public route there is none, and asking for it is an error. */
export const CurrentPrincipal = createParamDecorator((_: unknown, context: ExecutionContext): Principal =>
  verified(context, '@CurrentPrincipal()'),
);

/** For whom a caller acts (RFC 8693, section 4.1). */
export interface Delegation {
  /** The subject on whose behalf the request is made. */
  readonly subject: string;
  /** Who makes it. */
  readonly actor: Actor;
  /** The services that it came through before, newest first. */
  readonly before: readonly Actor[];
}

/** @returns nothing when the caller acts for itself */
export function delegationOf({ subject, actors }: Principal): Delegation | undefined {
  const [actor, ...before] = actors;
  return actor === undefined ? undefined : { subject, actor, before };
}

/** Parameter decorator: the {@link Delegation} under which the caller acts; nothing when it acts for itself. */
export const ActingFor = createParamDecorator((_: unknown, context: ExecutionContext): Delegation | undefined =>
  delegationOf(verified(context, '@ActingFor()')),
);

/** Parameter decorator: the caller's own access token, to be exchanged (RFC 8693). Log it nowhere. */
export const BearerToken = createParamDecorator((_: unknown, context: ExecutionContext): string =>
  callerTokenOf(context),
);
