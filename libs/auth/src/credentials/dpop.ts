import { credentialsOf, TokenError, type Principal } from '@countersign/auth-core';
import { type AccessTokenVerifier } from '../verification.js';
import { targetOf, type Carrier } from '../carrier.js';
import { type Credential } from './credential.js';

/** `Authorization: DPoP` with a proof (RFC 9449, section 7.1). */
export class DpopCredential implements Credential {
  /** One proof is valid for one request, but GraphQL invokes the guard for each field. */
  readonly #proven = new WeakMap<object, Promise<Principal>>();

  /** @param resource the URL under which callers reach this service */
  constructor(
    private readonly verifier: AccessTokenVerifier,
    private readonly resource: string | undefined,
  ) {}

  verify(carrier: Carrier): Promise<Principal> | undefined {
    const credentials = credentialsOf(carrier.header('authorization'));
    if (credentials?.scheme !== 'dpop') return undefined;
    const proven = this.#proven.get(carrier.holder) ?? this.#verify(credentials.token, carrier);
    this.#proven.set(carrier.holder, proven);
    return proven;
  }

  async #verify(token: string, carrier: Carrier): Promise<Principal> {
    const proof = carrier.header('dpop');
    if (proof === undefined) throw new TokenError('DPOP_PROOF_MISSING');
    const target = targetOf(carrier, this.resource);
    if (target === undefined)
      throw new TokenError(
        'DPOP_PROOF_INVALID',
        'the service has no resource URL to compare the proof with; set resource',
      );
    const verified = this.verifier.verifyWithProof?.(token, { proof, ...target });
    if (verified === undefined)
      throw new TokenError('DPOP_PROOF_INVALID', 'this verifier does not support bound tokens');
    return verified;
  }
}
