import { Inject, Injectable } from '@nestjs/common';
import { TokenError, verifyDpopProof, type DpopNonces, type DpopProof } from '@countersign/auth-core';
import { CLOCK, DPOP_NONCES, OAuthError, PostgresDpopReplayStore } from '@countersign/service-host';
import { ISSUER_URL } from '../issuer-url.js';
import { type Policy } from '../registry/client.js';
import { type UsedProof } from './used-proofs.store.js';

/** The response to a proof that was used before. */
export const proofUsed = (): OAuthError => refused('the DPoP proof was used before');

const refused = (description: string): OAuthError => new OAuthError(400, 'invalid_dpop_proof', description);

/** Binds a token to the requester's key (RFC 9449, section 5), so that a stolen token is worthless. */
@Injectable()
export class SenderConstraint {
  constructor(
    @Inject(ISSUER_URL) private readonly issuer: string,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(PostgresDpopReplayStore) private readonly used: PostgresDpopReplayStore,
    @Inject(DPOP_NONCES) private readonly nonces: DpopNonces | undefined,
  ) {}

  /**
   * Reads the request's proof, without using it up.
   * @param header the `DPoP` header
   * @param path of the endpoint that it was sent to
   * @returns undefined for a bearer token, if the client's policy allows one
   * @throws {OAuthError} `invalid_dpop_proof`; `use_dpop_nonce` with the nonce for the next proof, if nonces are required
   */
  proofOf(
    header: string | undefined,
    { dpop }: Pick<Policy, 'dpop'>,
    path: '/oauth2/token' | '/oauth2/par' = '/oauth2/token',
  ): DpopProof | undefined {
    if (header === undefined) {
      if (dpop === 'required') throw refused('this client must send a DPoP proof to get a token');
      return undefined;
    }
    const proof = this.#verified(header, path);
    if (this.nonces === undefined || this.nonces.accepts(proof.nonce)) return proof;
    const next = { 'dpop-nonce': this.nonces.current() };
    throw new OAuthError(400, 'use_dpop_nonce', 'the DPoP proof must carry the nonce from this response', next);
  }

  #verified(header: string, path: string): DpopProof {
    const now = this.clock().getTime() / 1_000;
    try {
      return verifyDpopProof(header, { method: 'POST', url: `${this.issuer}${path}`, now });
    } catch (error) {
      if (!(error instanceof TokenError)) throw error;
      throw refused(`the DPoP proof is not accepted (${error.detail ?? error.code})`);
    }
  }

  /** Uses up a proof, for all replicas, if nothing is committed with it. @returns the refusal, if it was used before */
  async useOnce({ replayId, expiresAt }: UsedProof): Promise<OAuthError | undefined> {
    return (await this.used.useOnce(replayId, expiresAt)) ? undefined : proofUsed();
  }
}
