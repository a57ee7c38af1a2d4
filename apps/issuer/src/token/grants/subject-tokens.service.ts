import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import {
  createVerifier,
  TokenError,
  type Principal,
  type RevocationList,
  type TokenVerifier,
} from '@countersign/auth-core';
import { CLOCK, OAuthError } from '@countersign/service-host';
import { ISSUER_URL } from '../../issuer-url.js';
import { SIGNING_KEYS, type SigningKeys } from '../../registry/key-set.js';
import { REVOKED } from '../../registry/revocation-memory.service.js';

/** Clients whose verifiers are held at once. */
const VERIFIERS_LIMIT = 1_000;

/** Verifies tokens of this issuer that come back to be exchanged, by its own keys: no request leaves the process. */
@Injectable()
export class SubjectTokens implements OnApplicationShutdown {
  readonly #verifiers = new Map<string, Promise<TokenVerifier>>();
  #etag = '';

  constructor(
    @Inject(ISSUER_URL) private readonly issuer: string,
    @Inject(SIGNING_KEYS) private readonly keys: SigningKeys,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(REVOKED) private readonly revocations: RevocationList,
  ) {}

  /**
   * A client may exchange only what was meant for it: the token's audience is the client itself.
   * @throws {OAuthError} `invalid_request` (RFC 8693, section 2.2.2)
   */
  async verify(token: string, clientId: string): Promise<Principal> {
    try {
      return (await this.#verifierFor(clientId)).verifySubjectToken(token);
    } catch (error) {
      if (!(error instanceof TokenError)) throw error;
      throw new OAuthError(400, 'invalid_request', `the subject token is not accepted: ${error.message}`);
    }
  }

  #verifierFor(audience: string): Promise<TokenVerifier> {
    if (this.#etag !== this.keys.jwks.etag || this.#verifiers.size > VERIFIERS_LIMIT) this.#begin();
    const known = this.#verifiers.get(audience);
    if (known !== undefined) return known;
    const verifier = createVerifier({
      issuer: this.issuer,
      audience,
      now: () => this.clock().getTime(),
      // Answered within the process, without a network.
      fetch: () => Promise.resolve(new Response(this.keys.jwks.body)),
      allowPlainHttp: true,
      revocations: this.revocations,
      cacheSize: 1_000,
    });
    this.#verifiers.set(audience, verifier);
    return verifier;
  }

  /** The keys changed: what they verified is forgotten with them. */
  #begin(): void {
    for (const verifier of this.#verifiers.values()) void verifier.then((made) => made.close());
    this.#verifiers.clear();
    this.#etag = this.keys.jwks.etag;
  }

  onApplicationShutdown(): void {
    this.#begin();
  }
}
