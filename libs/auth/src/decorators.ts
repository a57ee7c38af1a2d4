import { createParamDecorator, SetMetadata, type CustomDecorator, type ExecutionContext } from '@nestjs/common';
import { type Principal } from '@countersign/auth-core';
import { bearerTokenOf, principalOfRequest } from './request-principal.js';

const NEEDS = 'countersign:needs';

/** What a route asks of its caller. */
export type RouteNeeds = { readonly public: true } | { readonly public: false; readonly scopes: readonly string[] };

/** An open route: no token is looked at. Every other route must say what it needs. */
export function Public(): CustomDecorator {
  const needs: RouteNeeds = { public: true };
  return SetMetadata(NEEDS, needs);
}

/**
 * The scopes that a caller needs, all of them (RFC 6750, section 3.1). With none, any verified caller may pass.
 * It stands on a handler or on a controller; the handler's own wins.
 */
export function RequireScopes(...scopes: readonly string[]): CustomDecorator {
  const needs: RouteNeeds = { public: false, scopes };
  return SetMetadata(NEEDS, needs);
}

function isRouteNeeds(value: unknown): value is RouteNeeds {
  return typeof value === 'object' && value !== null && 'public' in value;
}

/** What a handler or controller declares. @returns nothing where nothing is declared */
export function routeNeeds(target: object): RouteNeeds | undefined {
  const needs: unknown = Reflect.getMetadata(NEEDS, target);
  return isRouteNeeds(needs) ? needs : undefined;
}

/** The scopes that a handler declares. @returns nothing for a public or undeclared one */
export function requiredScopes(target: object): readonly string[] | undefined {
  const needs = routeNeeds(target);
  return needs === undefined || needs.public ? undefined : needs.scopes;
}

/** Parameter decorator: the verified caller. On a public route there is none, and asking for it is an error. */
export const CurrentPrincipal = createParamDecorator((_: unknown, context: ExecutionContext): Principal => {
  const principal = principalOfRequest(context.switchToHttp().getRequest<object>());
  if (principal === undefined) throw new Error('@CurrentPrincipal() on a route that verifies no caller');
  return principal;
});

/** Parameter decorator: the caller's own access token, to be exchanged (RFC 8693). Log it nowhere. */
export const BearerToken = createParamDecorator((_: unknown, context: ExecutionContext): string => {
  const token = bearerTokenOf(context.switchToHttp().getRequest<object>());
  if (token === undefined) throw new Error('@BearerToken() on a route that verifies no caller');
  return token;
});
