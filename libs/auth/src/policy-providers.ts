import { type Abstract, type Type } from '@nestjs/common';
import { ContextIdFactory, type ContextId, type ModuleRef } from '@nestjs/core';
import { InvalidClassScopeException } from '@nestjs/core/errors/exceptions/invalid-class-scope.exception.js';

type Token<Provider> = Type<Provider> | Abstract<Provider> | string | symbol;

/** Providers of one request that policies may ask for, beyond which something is wrong with them. */
const PROVIDERS_LIMIT = 16;

/** Thrown to anyone who asks for a provider that has to be made first, since that takes time and the question does not. */
class ProviderNotMade extends Error {
  constructor(readonly token: Token<unknown>) {
    super('the provider is made for each request; the policy is asked again once it is there');
  }
}

/** The application's providers, as the policies of one request ask for them. */
export class PolicyProviders {
  readonly #made = new Map<Token<unknown>, unknown>();
  #contextId: ContextId | undefined;

  /** @param request what request-scoped providers are made for */
  constructor(
    private readonly modules: ModuleRef,
    private readonly request: object,
  ) {}

  /** @throws {ProviderNotMade} within {@link asking} */
  get<Provider>(token: Token<Provider>): Provider {
    // What Nest made for this very token.
    if (this.#made.has(token)) return this.#made.get(token) as Provider;
    try {
      return this.modules.get(token, { strict: false });
    } catch (error) {
      if (error instanceof InvalidClassScopeException) throw new ProviderNotMade(token);
      throw error;
    }
  }

  /** Asks, and asks again once a provider that was missing is made. */
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
