import { type Principal } from './principal.js';
import { type DpopPresentation } from './verifier-options.js';

/** Verifies access tokens locally. Made by `createVerifier`; a stand-in in a test, or one of one's own, has the same methods. */
export interface TokenVerifier<Caller extends Principal = Principal> {
  /** Whose tokens it takes. */
  readonly issuers: readonly string[];

  /** Whether keys are loaded and not too old, of every issuer; without them a verification fails with `KEYS_UNAVAILABLE`. */
  readonly keysLoaded: boolean;

  /** Why the keys could last not be fetched; empty when they were. */
  readonly lastKeyError: string;

  /**
   * Verifies a bearer token, synchronously: the keys are in memory.
   * @param token the compact JWS, without the `Bearer ` in front
   * @returns the principal
   * @throws {TokenError} with the code of the first check that failed; `DPOP_PROOF_MISSING` or `CERTIFICATE_MISMATCH` for a good token that is
   * bound to a key or a certificate
   */
  verify(token: string): Caller;

  /**
   * Verifies a token that is what a request is about, not what it is authorized by: the subject token of an exchange (RFC 8693). One that is
   * bound to a key passes without a proof, so the caller must have been authenticated by other means.
   * @throws {TokenError}
   */
  verifySubjectToken(token: string): Caller;

  /**
   * As {@link verify}; a token whose key is unknown causes one fetch of the keys (single flight, rate-limited) and a second look. So do keys
   * that have become too old, as after the machine slept.
   * @throws {TokenError}
   */
  verifyWithRefresh(token: string): Promise<Caller>;

  /**
   * Verifies a sender-constrained token together with its DPoP proof (RFC 9449, section 7): for `Authorization: DPoP …`. The token may be a
   * repeated one, its proof may not. As with {@link verifyWithRefresh}, an unknown key causes one fetch.
   * @throws {TokenError} also `DPOP_PROOF_INVALID` (a token that is not bound to a key does not go with this scheme), `DPOP_NONCE_REQUIRED`,
   * `DPOP_PROOF_REPLAYED`
   */
  verifyWithProof(token: string, presentation: DpopPresentation): Promise<Caller>;

  /**
   * As {@link verifyWithRefresh}, for a connection on which the client showed a certificate (RFC 8705, section 3): a token that is bound to one passes
   * with that one only.
   * @param certificate the client's certificate in DER, whose private key the TLS handshake proved; nothing where it showed none
   * @throws {TokenError} also `CERTIFICATE_MISMATCH`
   */
  verifyWithCertificate(token: string, certificate: Uint8Array | undefined): Promise<Caller>;

  /**
   * The principal of a bearer token that verified before; its time, its key and its revocation are checked again.
   * @returns nothing when the token must be verified
   * @throws {TokenError} `TOKEN_EXPIRED`, `TOKEN_REVOKED`, `DPOP_PROOF_MISSING`, `CERTIFICATE_MISMATCH`
   */
  cached(token: string): Caller | undefined;

  /**
   * As {@link cached}, for an `Authorization` header as it came. It is the quickest answer to a repeated token.
   * @returns nothing also for any other header than `Bearer`, one space and a token: then take it apart, and verify the token
   * @throws {TokenError} as {@link cached}
   */
  cachedAuthorization(header: string): Caller | undefined;

  /** Fetches the keys now. @returns whether that brought keys, of every issuer */
  loadKeys(): Promise<boolean>;

  /** Ends the background refresh. */
  close(): void;
}
