import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { HttpAdapterHost, ModuleRef } from '@nestjs/core';
import { AuthGuard } from '@nestjs/passport';
import { TokenError, type Principal, type TokenVerifier } from '@countersign/auth-core';
import { AUTH_SETTINGS, REFUSAL_ERRORS, TOKEN_VERIFIER, type AuthSettings } from './auth.settings.js';
import {
  authorizationOf,
  bearerToken,
  bindPrincipal,
  bindUser,
  carrierOf,
  dpopToken,
  targetOf,
  type Carrier,
} from './carrier.js';
import { STRATEGY_NAME, tokenErrorOf, useVerifier } from './jwt.strategy.js';
import { markJudged } from './message-gate.js';
import { policyRequestOf } from './policy.js';
import { PolicyProviders } from './policy-providers.js';
import { metadataUrl } from './protected-resource.js';
import { isRefused, problemOf, RouteError, type Refusal, type RefusalErrors } from './refusal.js';
import { namedScopes, routeNeeds, type RouteNeeds } from './route-needs.js';

/** Seconds after which a caller may try again while the issuer's keys are away. */
const RETRY_AFTER_SECONDS = 2;

/** The passport side: first-seen tokens of HTTP requests pass through passport-jwt. */
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

function carriesScopes({ scopes: held }: Principal, needs: RouteNeeds & { readonly public: false }): boolean {
  const { scopes, anyScope } = needs;
  return (
    scopes.every((scope) => held.has(scope)) && (anyScope.length === 0 || anyScope.some((scope) => held.has(scope)))
  );
}

function bind({ kind, holder }: Carrier, principal: Principal): void {
  if (kind === 'http' || kind === 'graphql') bindUser(holder, principal);
  else bindPrincipal(holder, principal);
}

/** Global: every handler is closed unless it says `@Public()`, and says what it needs by `@RequireScopes()` and its like. */
@Injectable()
export class CountersignGuard implements CanActivate {
  readonly #passport = new PassportGuard();
  readonly #proven = new WeakMap<object, Promise<Principal>>();

  constructor(
    @Inject(TOKEN_VERIFIER) private readonly verifier: TokenVerifier,
    @Inject(AUTH_SETTINGS) private readonly settings: AuthSettings,
    @Inject(REFUSAL_ERRORS) private readonly errors: RefusalErrors,
    @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
    @Inject(ModuleRef) private readonly modules: ModuleRef,
  ) {}

  /** @returns at once for a public route and for a repeated token; a promise for the rest */
  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const needs = routeNeeds(context.getHandler(), context.getClass());
    if (context.getType() === 'http') {
      if (needs === undefined) return this.#judge(context, needs);
      if (needs.public || this.#isRepeated(context.getArgByIndex<object>(0), needs)) return true;
    } else {
      markJudged(context);
      if (needs?.public === true) return true;
    }
    return this.#judge(context, needs);
  }

  /** A bearer token that verified before and has what the route needs: no promise, no passport. Whatever else it is, the long way tells. */
  #isRepeated(request: object, needs: RouteNeeds & { readonly public: false }): boolean {
    if (needs.policies.length > 0) return false;
    const header = authorizationOf(request);
    if (header === undefined) return false;
    try {
      const principal = this.verifier.cachedAuthorization(header);
      if (principal === undefined || !carriesScopes(principal, needs)) return false;
      bindUser(request, principal);
      return true;
    } catch {
      return false;
    }
  }

  async #judge(context: ExecutionContext, needs: RouteNeeds | undefined): Promise<boolean> {
    const carrier = carrierOf(context);
    let principal: Principal | undefined;
    try {
      if (carrier === undefined) throw new RouteError('CONTEXT_UNKNOWN', context.getType());
      principal = await this.#authenticate(context, carrier);
      if (needs === undefined) throw new RouteError('ROUTE_NOT_DECLARED');
      if (needs.public) return true;
      if (!carriesScopes(principal, needs)) throw new TokenError('SCOPE_MISSING', namedScopes(needs).join(' '));
      await this.#askPolicies(principal, needs, carrier, context);
      bind(carrier, principal);
      return true;
    } catch (error) {
      if (!isRefused(error)) throw error;
      const { code, status, message, detail } = error;
      throw await this.#refusal({ code, status, message, detail, principal }, error, needs, context, carrier);
    }
  }

  async #authenticate(context: ExecutionContext, carrier: Carrier): Promise<Principal> {
    const header = carrier.header('authorization');
    const bound = dpopToken(header);
    if (bound !== undefined) return this.#withProof(bound, carrier);
    const token = bearerToken(header);
    if (token === undefined) throw new TokenError('TOKEN_MISSING');
    const known = this.verifier.cached(token);
    if (known !== undefined) return known;
    if (carrier.kind !== 'http') return this.verifier.verifyWithRefresh(token);
    useVerifier(carrier.holder, this.verifier);
    return this.#passport.authenticate(context);
  }

  /** `Authorization: DPoP` (RFC 9449, section 7.1). One proof is good for one request, of which GraphQL asks about each field. */
  #withProof(token: string, carrier: Carrier): Promise<Principal> {
    const known = this.#proven.get(carrier.holder);
    if (known !== undefined) return known;
    const proof = carrier.header('dpop');
    if (proof === undefined) throw new TokenError('DPOP_PROOF_MISSING');
    const target = targetOf(carrier, this.settings.resource);
    if (target === undefined) throw new TokenError('DPOP_PROOF_INVALID', 'no address to compare the proof with');
    const proven = this.verifier.verifyWithProof(token, { proof, ...target });
    this.#proven.set(carrier.holder, proven);
    return proven;
  }

  async #askPolicies(
    principal: Principal,
    needs: RouteNeeds & { readonly public: false },
    { kind, holder }: Carrier,
    context: ExecutionContext,
  ): Promise<void> {
    if (needs.policies.length === 0) return;
    const providers = new PolicyProviders(this.modules, holder);
    const request = policyRequestOf(kind, context, providers);
    for (const policy of needs.policies) {
      const verdict = await providers.asking(() => policy(principal, request));
      if (verdict === true) continue;
      throw new RouteError(verdict === 'hidden' ? 'NOT_FOUND' : 'POLICY_DENIED', policy.name);
    }
  }

  async #refusal(
    refusal: Refusal,
    error: TokenError | RouteError,
    needs: RouteNeeds | undefined,
    context: ExecutionContext,
    carrier: Carrier | undefined,
  ): Promise<Error> {
    await this.settings.onRefused?.(refusal, context);
    if (context.getType() === 'http') this.#challenge(error, needs, context.switchToHttp().getResponse());
    return this.errors.make(carrier?.kind, problemOf(refusal));
  }

  #challenge(error: TokenError | RouteError, needs: RouteNeeds | undefined, response: unknown): void {
    const { httpAdapter } = this.adapterHost;
    if (error.status === 503) httpAdapter.setHeader(response, 'Retry-After', String(RETRY_AFTER_SECONDS));
    if (!(error instanceof TokenError)) return;
    const { realm, audience, resource } = this.settings;
    const challenge = error.wwwAuthenticate(realm ?? audience, namedScopes(needs));
    if (challenge === undefined) return;
    const metadata = resource === undefined ? '' : `, resource_metadata="${metadataUrl(resource)}"`;
    httpAdapter.setHeader(response, 'WWW-Authenticate', `${challenge}${metadata}`);
    if (error.dpopNonce !== undefined) httpAdapter.setHeader(response, 'DPoP-Nonce', error.dpopNonce);
  }
}
