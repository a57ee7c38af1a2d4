import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { HttpAdapterHost, ModuleRef } from '@nestjs/core';
import { requirePerson, requireRecentLogin, TokenError, type Principal } from '@countersign/auth-core';
import { AUTH_SETTINGS, REFUSAL_ERRORS, serviceNameOf, type AuthSettings } from './auth.settings.js';
import { ApiKeyPasses } from './api-key-passes.service.js';
import { ownApiKeyOf } from './api-keys.js';
import { bindPrincipal, bindUser, carrierOf, type Carrier } from './carrier.js';
import { CREDENTIALS, type Credential } from './credentials/credential.js';
import { markJudged } from './message-gate.js';
import { policyRequestOf } from './policy.js';
import { PolicyProviders } from './policy-providers.js';
import { metadataUrl } from './protected-resource.js';
import { isRefused, problemOf, RouteError, type Refusal, type RefusalErrors } from './refusal.js';
import { namedScopes, routeNeeds, type RouteNeeds } from './route-needs.js';

function carriesScopes({ scopes: held }: Principal, needs: RouteNeeds): boolean {
  if (needs.public) return true;
  const { scopes, anyScope } = needs;
  return (
    scopes.every((scope) => held.has(scope)) && (anyScope.length === 0 || anyScope.some((scope) => held.has(scope)))
  );
}

/** Open, without reading a token. */
const isOpen = (needs: RouteNeeds | undefined): boolean => needs?.public === true && needs.readsToken !== true;

function bind({ kind, holder }: Carrier, principal: Principal): void {
  if (kind === 'http' || kind === 'graphql') bindUser(holder, principal);
  else bindPrincipal(holder, principal);
}

/** Global: every handler is closed unless it declares `@Public()` or what it needs, by `@RequireScopes()` and the like. */
@Injectable()
export class CountersignGuard implements CanActivate {
  readonly #recalls: readonly NonNullable<Credential['recall']>[];

  constructor(
    @Inject(CREDENTIALS) private readonly credentials: readonly Credential[],
    @Inject(AUTH_SETTINGS) private readonly settings: AuthSettings,
    @Inject(REFUSAL_ERRORS) private readonly errors: RefusalErrors,
    @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
    @Inject(ModuleRef) private readonly modules: ModuleRef,
    @Inject(ApiKeyPasses) private readonly apiKeys: ApiKeyPasses,
  ) {
    this.#recalls = credentials.map((one) => one.recall?.bind(one)).filter((recall) => recall !== undefined);
  }

  /** @returns synchronously for a public route and for a repeated token; a promise for the rest */
  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const needs = routeNeeds(context.getHandler(), context.getClass());
    if (context.getType() === 'http') {
      if (needs === undefined) return this.#judge(context, needs);
      if (isOpen(needs) || this.#isRepeated(context, context.getArgByIndex<object>(0), needs)) return true;
    } else {
      markJudged(context);
      if (isOpen(needs)) return true;
    }
    return this.#judge(context, needs);
  }

  /** Admits a credential that verified before and has what the route needs, without a promise. Everything else takes the slow path. */
  #isRepeated(context: ExecutionContext, request: object, needs: RouteNeeds): boolean {
    if (!needs.public && (needs.policies.length > 0 || needs.login !== undefined)) return false;
    try {
      for (const recall of this.#recalls) {
        const principal = recall(request);
        if (principal === undefined) continue;
        if (!carriesScopes(principal, needs) || (!needs.public && needs.person && principal.kind !== 'person'))
          return false;
        if (principal.apiKey !== undefined && !this.apiKeys.passesNow(principal, context, request, needs)) return false;
        bindUser(request, principal);
        return true;
      }
      return false;
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
      if (principal === undefined) {
        if (needs?.public === true) return true;
        throw new TokenError('TOKEN_MISSING');
      }
      const key = needs?.public === true ? undefined : ownApiKeyOf(principal);
      if (key !== undefined) await this.apiKeys.spend(key, needs, context);
      if (needs === undefined) throw new RouteError('ROUTE_NOT_DECLARED');
      if (!carriesScopes(principal, needs)) throw new TokenError('SCOPE_MISSING', namedScopes(needs).join(' '));
      if (!needs.public) {
        this.#askWho(principal, needs);
        if (key !== undefined && !this.apiKeys.takes(needs)) throw new TokenError('API_KEY_NOT_ALLOWED', key.id);
        await this.#askPolicies(principal, needs, carrier, context);
      }
      if (key !== undefined) this.apiKeys.count(key, needs, 'allowed', carrier);
      bind(carrier, principal);
      return true;
    } catch (error) {
      if (!isRefused(error)) throw error;
      const { code, status, message, detail } = error;
      this.apiKeys.countRefused(principal, needs, status, carrier);
      const refused = await this.#refusal({ code, status, message, detail, principal }, error, needs, context, carrier);
      await this.apiKeys.slow(principal, status, context);
      throw refused;
    }
  }

  /** @returns undefined for a request without credentials */
  #authenticate(context: ExecutionContext, carrier: Carrier): Promise<Principal> | undefined {
    for (const credential of this.credentials) {
      const verified = credential.verify(carrier, context);
      if (verified !== undefined) return verified;
    }
    return undefined;
  }

  #askWho(principal: Principal, { person, login, asksDelegation }: RouteNeeds & { readonly public: false }): void {
    if (person || (asksDelegation === true && ownApiKeyOf(principal) !== undefined)) requirePerson(principal);
    if (login !== undefined) requireRecentLogin(principal, login, (this.settings.now ?? Date.now)() / 1_000);
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
    if (!(error instanceof TokenError)) return;
    const { httpAdapter } = this.adapterHost;
    const { realm = serviceNameOf(this.settings), resource } = this.settings;
    for (const [name, value] of Object.entries(error.headers(realm, namedScopes(needs)))) {
      const isChallenge = name === 'www-authenticate' && resource !== undefined;
      httpAdapter.setHeader(
        response,
        name,
        isChallenge ? `${value}, resource_metadata="${metadataUrl(resource)}"` : value,
      );
    }
  }
}
