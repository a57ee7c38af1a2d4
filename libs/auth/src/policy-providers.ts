import { type Abstract, type Type } from '@nestjs/common';
import { ContextIdFactory, type ContextId, type ModuleRef } from '@nestjs/core';
import { InvalidClassScopeException } from '@nestjs/core/errors/exceptions/invalid-class-scope.exception.js';

type Token<Provider> = Type<Provider> | Abstract<Provider> | string | symbol;

/** Maximum providers of one request that policies may resolve. */
const PROVIDERS_LIMIT = 16;

/** Thrown to a policy that resolves a provider which must be created asynchronously first. */
class ProviderNotMade extends Error {
  constructor(readonly token: Token<unknown>) {
    super('the provider is created for each request; the policy runs again once it exists');
  }
}

/** The application's providers, as resolved by the policies of one request. */
export class PolicyProviders {
  readonly #made = new Map<Token<unknown>, unknown>();
  #contextId: ContextId | undefined;

  /** @param request the context id of request-scoped providers */
  constructor(
    private readonly modules: ModuleRef,
    private readonly request: object,
  ) {}

  /** @throws {ProviderNotMade} within {@link asking} */
  get<Provider>(token: Token<Provider>): Provider {
    // The instance that Nest created for this token.
    if (this.#made.has(token)) return this.#made.get(token) as Provider;
    try {
      return this.modules.get(token, { strict: false });
    } catch (error) {
      if (error instanceof InvalidClassScopeException) throw new ProviderNotMade(token);
      throw error;
    }
  }

  /** Runs the policy, and runs it again once a missing provider has been created. */
  async asking<Answer>(ask: () => Answer | Promise<Answer>): Promise<Answer> {
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        if (!(error instanceof ProviderNotMade) || this.#made.size >= PROVIDERS_LIMIT) throw error;
        this.#made.set(error.token, await this.#make(error.token));
      }
    }
  }

  /** In the context of the request, so that a controller or interceptor of the same request has the same instance. */
  #make(token: Token<unknown>): Promise<unknown> {
    if (this.#contextId === undefined) {
      this.#contextId = ContextIdFactory.getByRequest(this.request);
      this.modules.registerRequestByContextId(this.request, this.#contextId);
    }
    return this.modules.resolve(token, this.#contextId, { strict: false });
  }
}
