import {
  createTokenClient,
  type AccessToken,
  type PrivateJwk,
  type TokenClient,
  type TokenWish,
} from '@countersign/auth-core';
import { type Stack } from '../stack.js';

/** The client that pays, as all its processes together: it may be given another key while they work. */
export class Storefront {
  #tokens: TokenClient;

  constructor(private readonly stack: Stack) {
    this.#tokens = this.withKey(stack.identities.clients.storefront);
  }

  getToken(wish: TokenWish): Promise<AccessToken> {
    return this.#tokens.getToken(wish);
  }

  /** A process of this client that holds no token yet. */
  withKey(key: PrivateJwk): TokenClient {
    return createTokenClient({ issuer: this.stack.urls.issuer, clientId: 'storefront', key });
  }

  /** Asks for tokens by this key from now on. */
  useKey(key: PrivateJwk): void {
    this.#tokens = this.withKey(key);
  }
}
