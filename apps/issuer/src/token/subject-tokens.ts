import { createVerifier, TokenError, type Principal, type TokenVerifier } from '@countersign/auth-core';
import { OAuthError } from '@countersign/service-host';
import { type SigningKeys } from '../signing-keys/signing-key.js';

/** Verifies tokens of this issuer that come back to be exchanged, by its own keys: no request leaves the process. */
export class SubjectTokens {
  readonly #verifiers = new Map<string, Promise<TokenVerifier>>();

  constructor(
    private readonly issuer: string,
    private readonly keys: SigningKeys,
    private readonly clock: () => Date,
  ) {}

  /**
   * A client may exchange only what was meant for it: the token's audience is the client itself.
   * @throws {OAuthError} `invalid_request` (RFC 8693, section 2.2.2)
   */
  async verify(token: string, clientId: string): Promise<Principal> {
    try {
      return (await this.#verifierFor(clientId)).verify(token);
    } catch (error) {
      if (!(error instanceof TokenError)) throw error;
      throw new OAuthError(400, 'invalid_request', `the subject token is not accepted: ${error.message}`);
    }
  }

  #verifierFor(audience: string): Promise<TokenVerifier> {
    const known = this.#verifiers.get(audience);
    if (known !== undefined) return known;
    const verifier = createVerifier({
      issuer: this.issuer,
      audience,
      now: () => this.clock().getTime(),
      fetch: () => Promise.resolve(Response.json({ keys: this.keys.published })),
      cacheSize: 1_000,
    });
    this.#verifiers.set(audience, verifier);
    return verifier;
  }
}
