import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import {
  DEFAULT_ROUTE_CLASS,
  recentLogin,
  routeClassPattern,
  tokenOfApiKeyCaller,
  type Actor,
  type Principal,
  type PrincipalWith,
} from '@countersign/auth-core';
import { authorizedToken, boundTokenOf, carrierOf, principalOf } from './carrier.js';
import { type Policy } from './policy.js';
import { declareDelegation, declareNeeds, routeNeeds } from './route-needs.js';

/**
 * An open route, without authentication. Every other route must declare what it needs.
 * @param options with `readToken` a token is verified if there is one: `@CurrentPrincipal()` is its caller, or undefined without a token. An invalid
 * one is refused, as anywhere else.
 */
export function Public({ readToken = false }: { readonly readToken?: boolean } = {}): ClassDecorator & MethodDecorator {
  return declareNeeds('@Public()', readToken ? { public: true, readsToken: true } : { public: true });
}

/**
 * The scopes that a caller needs, all of them (RFC 6750, section 3.1). Without scopes, any verified caller may pass. For a handler or a controller;
 * the handler's own scopes replace the controller's.
 */
export function RequireScopes(...scopes: readonly string[]): ClassDecorator & MethodDecorator {
  return declareNeeds('@RequireScopes()', { scopes });
}

/**
 * Scopes of which a caller needs one; together with `@RequireScopes()`, one of these and all of those.
 * @throws {TypeError} immediately when none is named, because nobody could pass
 */
export function RequireAnyScope(...scopes: readonly string[]): ClassDecorator & MethodDecorator {
  if (scopes.length === 0)
    throw new TypeError('@RequireAnyScope() names no scope, so nobody would pass; name at least one');
  return declareNeeds('@RequireAnyScope()', { anyScope: scopes });
}

/**
 * Only a person may pass, directly or through an application that acts for them: 403 `PERSON_REQUIRED` for a service's or an application's own token.
 * On its own it declares the route: any verified person may pass.
 */
export function RequirePerson(): ClassDecorator & MethodDecorator {
  return declareNeeds('@RequirePerson()', { person: true });
}

/**
 * Only a person who signed in recently may pass (RFC 9470): otherwise 401 `insufficient_user_authentication`, with `max_age` and `acr_values` for the
 * application to send the person to sign in again. A handler's own replaces its controller's.
 * @param seconds how long ago the sign-in may be
 * @param acrValues values of `acr` of which the sign-in must have one
 * @throws {RangeError} immediately for values that cannot be put in a challenge
 */
export function RequireRecentLogin(
  seconds: number,
  { acrValues }: { readonly acrValues?: readonly string[] } = {},
): ClassDecorator & MethodDecorator {
  return declareNeeds('@RequireRecentLogin()', { login: recentLogin(seconds, acrValues) });
}

/**
 * A {@link Policy} that must let the caller pass, asked after the scopes: whether this caller may touch this object. Several run in order, the
 * controller's first. On its own it declares the route: any verified caller whom the policy allows.
 */
export function Authorize(...policies: readonly [Policy, ...Policy[]]): ClassDecorator & MethodDecorator {
  return declareNeeds('@Authorize()', { policies });
}

/**
 * Also accepts callers with an API key (`Authorization: Bearer csk_…` or `X-API-Key`), who must meet the route's other needs. Without it they are
 * refused.
 * @param routeClass the route class whose limit applies here, as named in plans
 */
export function AllowApiKey(routeClass: string = DEFAULT_ROUTE_CLASS): ClassDecorator & MethodDecorator {
  if (!routeClassPattern.test(routeClass))
    throw new TypeError('the route class in @AllowApiKey() must consist of a-z, 0-9, _ and -');
  return declareNeeds('@AllowApiKey()', { apiKeys: routeClass });
}

/** The verified caller of a request or message. @throws on a route that verifies nobody */
export function verifiedPrincipal(context: ExecutionContext): Principal {
  return verified(context, 'the caller');
}

/** The caller's own access token, to be exchanged (RFC 8693). @throws on a route that verifies nobody */
export function callerTokenOf(context: ExecutionContext): string {
  const carrier = carrierOf(context);
  const principal = carrier === undefined ? undefined : principalOf(carrier.holder);
  // For a caller with an API key it is the token that the key was exchanged for, never the key.
  const exchanged = principal === undefined ? undefined : tokenOfApiKeyCaller(principal);
  const bound = carrier === undefined ? undefined : boundTokenOf(carrier.holder);
  const token = exchanged ?? bound ?? authorizedToken(carrier?.header('authorization'));
  if (token === undefined) throw unverified('the token');
  return token;
}

const unverified = (what: string): Error =>
  new Error(`${what}: this route does not verify its caller; declare what it needs, for example with @RequireScopes()`);

function verified(context: ExecutionContext, what: string): Principal {
  const carrier = carrierOf(context);
  const principal = carrier === undefined ? undefined : principalOf(carrier.holder);
  if (principal === undefined) throw unverified(what);
  return principal;
}

const currentPrincipal = createParamDecorator((_: unknown, context: ExecutionContext): Principal | undefined => {
  const needs = routeNeeds(context.getHandler(), context.getClass());
  if (needs?.public !== true || needs.readsToken !== true) return verified(context, '@CurrentPrincipal()');
  const carrier = carrierOf(context);
  return carrier === undefined ? undefined : principalOf(carrier.holder);
});

type Parameters<Method> = Method extends (...taken: infer Taken) => unknown ? Taken : never;
/** `Index` if the method's parameter at that position accepts the caller; otherwise `never`. */
type PlaceFor<Caller, Target, Key, Index extends number> = Key extends keyof Target
  ? Caller extends Parameters<Target[Key]>[Index]
    ? Index
    : never
  : Index;

/**
 * Parameter decorator: the verified caller. On a public route there is none, and using it is an error, except with `@Public({ readToken: true })`,
 * where it is undefined for a caller without a token. `@CurrentPrincipal<Claims>()` adds the claims that the module's `claims` declare: the parameter
 * must be a `PrincipalWith<Claims>`, or the code does not compile.
 */
export function CurrentPrincipal<Claims = unknown>() {
  const decorate = currentPrincipal();
  return <Target extends object, Key extends string | symbol | undefined, Index extends number>(
    target: Target,
    key: Key,
    index: PlaceFor<unknown extends Claims ? Principal : PrincipalWith<Claims>, Target, Key, Index>,
  ): void => {
    decorate(target, key, index);
  };
}

/** For whom a caller acts (RFC 8693, section 4.1). */
export interface Delegation {
  /** The subject on whose behalf the request is made. */
  readonly subject: string;
  /** The client that makes it. */
  readonly actor: Actor;
  /** The services that it passed through before, newest first. */
  readonly before: readonly Actor[];
}

/** @returns undefined when the caller acts for itself */
export function delegationOf({ subject, actors }: Principal): Delegation | undefined {
  const [actor, ...before] = actors;
  return actor === undefined ? undefined : { subject, actor, before };
}

const actingFor = createParamDecorator((_: unknown, context: ExecutionContext): Delegation | undefined =>
  delegationOf(verified(context, '@ActingFor()')),
);

/**
 * Parameter decorator: the {@link Delegation} under which the caller acts; undefined when it acts for itself. An API key acts for nobody, so on such
 * a route it is refused with 403 `PERSON_REQUIRED`.
 */
export function ActingFor(): ParameterDecorator {
  const decorate = actingFor();
  return (target, method, index) => {
    declareDelegation(target, method);
    decorate(target, method, index);
  };
}

/** Parameter decorator: the caller's own access token, to be exchanged (RFC 8693). Never log it. */
export const BearerToken = createParamDecorator((_: unknown, context: ExecutionContext): string =>
  callerTokenOf(context),
);
