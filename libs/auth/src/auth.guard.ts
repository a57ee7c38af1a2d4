import { STATUS_CODES } from 'node:http';
import { HttpException, Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { AuthGuard } from '@nestjs/passport';
import { TokenError, type Principal, type TokenVerifier } from '@countersign/auth-core';
import { routeNeeds, type RouteNeeds } from './decorators.js';
import { STRATEGY_NAME, tokenErrorOf, useVerifier } from './jwt.strategy.js';
import { AUTH_SETTINGS, TOKEN_VERIFIER, type AuthSettings } from './auth.settings.js';
import { type Refusal } from './refusal.js';
import { bearerTokenOf, bindPrincipal } from './request-principal.js';

/** Seconds after which a caller may try again while the issuer's keys are away. */
const RETRY_AFTER_SECONDS = 2;

/** The passport side: first-seen tokens pass through passport-jwt. */
@Injectable()
class PassportGuard extends AuthGuard(STRATEGY_NAME) {
  override handleRequest<User>(error: unknown, user: User | false, info: unknown): User {
    if (user === false || (error !== null && error !== undefined)) throw tokenErrorOf(error, info);
    return user;
  }

  async authenticate(context: ExecutionContext): Promise<Principal> {
    await this.canActivate(context);
    const { user } = context.switchToHttp().getRequest<{ user: Principal }>();
    return user;
  }
}

/** Global: every handler is closed unless it says `@Public()`, and says what it needs by `@RequireScopes()`. */
@Injectable()
export class CountersignGuard implements CanActivate {
  readonly #passport = new PassportGuard();

  constructor(
    @Inject(TOKEN_VERIFIER) private readonly verifier: TokenVerifier,
    @Inject(AUTH_SETTINGS) private readonly settings: AuthSettings,
    @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const needs = routeNeeds(context.getHandler()) ?? routeNeeds(context.getClass());
    if (needs?.public === true) return true;
    if (context.getType() !== 'http') return false;
    const request = context.switchToHttp().getRequest<object>();
    let principal: Principal | undefined;
    try {
      principal = await this.#authenticate(context, request);
      this.#authorize(principal, needs);
      bindPrincipal(request, principal);
      return true;
    } catch (error) {
      if (!(error instanceof TokenError) && !(error instanceof RouteNotDeclared)) throw error;
      return await this.#refuse(error, principal, needs, context);
    }
  }

  async #authenticate(context: ExecutionContext, request: object): Promise<Principal> {
    const token = bearerTokenOf(request);
    if (token === undefined) throw new TokenError('TOKEN_MISSING');
    const known = this.verifier.cached(token);
    if (known !== undefined) return known;
    useVerifier(request, this.verifier);
    return this.#passport.authenticate(context);
  }

  #authorize(principal: Principal, needs: RouteNeeds | undefined): void {
    if (needs === undefined) throw new RouteNotDeclared();
    if (needs.public) return;
    const missing = needs.scopes.filter((scope) => !principal.scopes.has(scope));
    if (missing.length > 0) throw new TokenError('SCOPE_MISSING', missing.join(' '));
  }

  async #refuse(
    error: TokenError | RouteNotDeclared,
    principal: Principal | undefined,
    needs: RouteNeeds | undefined,
    context: ExecutionContext,
  ): Promise<never> {
    const { code, status, message, detail } = error;
    const refusal: Refusal = { code, status, message, detail, principal };
    const http = context.switchToHttp();
    await this.settings.onRefused?.(refusal, context);
    const { httpAdapter } = this.adapterHost;
    const response: unknown = http.getResponse();
    const scopes = needs === undefined || needs.public ? [] : needs.scopes;
    const challenge =
      error instanceof TokenError
        ? error.wwwAuthenticate(this.settings.realm ?? this.settings.audience, scopes)
        : undefined;
    if (challenge !== undefined) httpAdapter.setHeader(response, 'WWW-Authenticate', challenge);
    if (status === 503) httpAdapter.setHeader(response, 'Retry-After', String(RETRY_AFTER_SECONDS));
    const title = STATUS_CODES[status] ?? 'Refused';
    throw new HttpException({ type: 'about:blank', title, status, detail: `${message}.`, code }, status);
  }
}

class RouteNotDeclared extends Error {
  readonly code = 'ROUTE_NOT_DECLARED';
  readonly status = 403;
  readonly detail = undefined;
  constructor() {
    super('this route does not say which scopes it needs, so it is closed');
  }
}
