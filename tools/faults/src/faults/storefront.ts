import {
  createTokenClient,
  type AccessToken,
  type PrivateJwk,
  type TokenClient,
  type TokenRequest,
} from '@countersign/auth-core';
import { type Stack } from '@countersign/stack';

/** The client that pays, as all its processes together: it may be given another key while they work. */
export class Storefront {
  #tokens: TokenClient;
  readonly #asking = new Set<Promise<AccessToken>>();

  constructor(private readonly stack: Stack) {
    this.#tokens = this.withKey(stack.identities.clients.storefront);
  }

  async getToken(requested: TokenRequest): Promise<AccessToken> {
    const asking = this.#tokens.getToken(requested);
    this.#asking.add(asking);
    try {
      return await asking;
    } finally {
      this.#asking.delete(asking);
    }
  }

  /** A process of this client without a token. */
  withKey(key: PrivateJwk): TokenClient {
    return createTokenClient({ issuer: this.stack.urls.issuer, clientId: 'storefront', key });
  }

  /** Asks for tokens by this key from now on; resolves once nobody waits for a token by the key before. */
  async useKey(key: PrivateJwk): Promise<void> {
    this.#tokens = this.withKey(key);
    await Promise.allSettled([...this.#asking]);
  }
}
