import { type ExecutionContext } from '@nestjs/common';
import { credentialsOf, type Principal } from '@countersign/auth-core';
import { type AccessTokenVerifier, type BearerVerification, type ClientCertificate } from '../verification.js';
import { authorizationOf, type Carrier } from '../carrier.js';
import { type Credential } from './credential.js';

/** `Authorization: Bearer` (RFC 6750, section 2.1). */
export class BearerCredential implements Credential {
  /**
   * @param certificateOf returns the client certificate of a request
   * @param firstSeen verifies a token that an HTTP request brings for the first time
   */
  constructor(
    private readonly verifier: AccessTokenVerifier,
    private readonly certificateOf?: ClientCertificate,
    private readonly firstSeen?: BearerVerification,
  ) {}

  verify(carrier: Carrier, context: ExecutionContext): Promise<Principal> | undefined {
    const credentials = credentialsOf(carrier.header('authorization'));
    return credentials?.scheme === 'bearer' ? this.#verify(credentials.token, carrier, context) : undefined;
  }

  recall(request: object): Principal | undefined {
    const header = authorizationOf(request);
    return header === undefined ? undefined : this.verifier.cachedAuthorization?.(header);
  }

  async #verify(token: string, { kind, holder }: Carrier, context: ExecutionContext): Promise<Principal> {
    const certificate = this.certificateOf?.(holder);
    if (certificate !== undefined && this.verifier.verifyWithCertificate !== undefined) {
      return this.verifier.verifyWithCertificate(token, certificate);
    }
    const known = this.verifier.cached?.(token);
    if (known !== undefined) return known;
    if (kind !== 'http' || this.firstSeen === undefined) return this.verifier.verifyWithRefresh(token);
    return this.firstSeen(token, this.verifier, context);
  }
}
