import { type SigningKeys } from './key-set.js';

/** Serves the guard of the admin API, which fetches the issuer's keys like any validator, from within this process. */
export class OwnKeys {
  #keys: SigningKeys | undefined;

  use(keys: SigningKeys): void {
    this.#keys = keys;
  }

  /** The JWKS; 503 while the issuer is starting. */
  answer(): Promise<Response> {
    const body = this.#keys?.jwks.body;
    return Promise.resolve(body === undefined ? new Response(null, { status: 503 }) : new Response(body));
  }
}
