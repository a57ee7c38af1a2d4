import { type JsonObject } from './json-object.js';
import { type Principal } from './principal.js';
import { type DpopPresentation } from './verifier-options.js';

/** Verifies access tokens locally. Created by `createVerifier`; a test double or a custom verifier implements the same methods. */
export interface TokenVerifier<Caller extends Principal = Principal> {
  /** The issuers whose tokens it accepts. */
  readonly issuers: readonly string[];

  /** Whether the keys of every issuer are loaded and not too old; otherwise verification fails with `KEYS_UNAVAILABLE`. */
  readonly keysLoaded: boolean;

  /** Why the last fetch of keys failed; empty when it succeeded. */
  readonly lastKeyError: string;

  /** Why the last write of the keys to `keysFile` failed; empty when it succeeded, undefined if no file is configured. */
  readonly keysFileError?: string | undefined;

  /**
   * Verifies a bearer token, synchronously: the keys are in memory.
   * @param token the compact JWS, without the `Bearer ` in front
   * @returns the principal
   * @throws {TokenError} with the code of the first check that failed; `DPOP_PROOF_MISSING` or `CERTIFICATE_MISMATCH` for a valid token that is bound
   * to a key or a certificate
   */
  verify(token: string): Caller;

  /**
   * Verifies a token that is the content of a request, not its authorization: the subject token of an exchange (RFC 8693). One that is bound to a key
   * needs no proof here, so the caller must be authenticated by other means.
   * @throws {TokenError}
   */
  verifySubjectToken(token: string): Caller;

  /**
   * Like {@link verify}, but an unknown key causes one fetch of the keys (single flight, rate-limited) and a second attempt. So do keys that have
   * become too old, for example after the machine slept.
   * @throws {TokenError}
   */
  verifyWithRefresh(token: string): Promise<Caller>;

  /**
   * Verifies a sender-constrained token together with its DPoP proof (RFC 9449, section 7): for `Authorization: DPoP …`. The token may be repeated,
   * its proof may not. As with {@link verifyWithRefresh}, an unknown key causes one fetch.
   * @throws {TokenError} also `DPOP_PROOF_INVALID` (also for a token that is not bound to a key), `DPOP_NONCE_REQUIRED`, `DPOP_PROOF_REPLAYED`
   */
  verifyWithProof(token: string, presentation: DpopPresentation): Promise<Caller>;

  /**
   * Like {@link verifyWithRefresh}, for a connection with a client certificate (RFC 8705, section 3): a token that is bound to a certificate is
   * accepted only with that one.
   * @param certificate the client's certificate in DER, whose private key the TLS handshake proved; undefined if it sent none
   * @throws {TokenError} also `CERTIFICATE_MISMATCH`
   */
  verifyWithCertificate(token: string, certificate: Uint8Array | undefined): Promise<Caller>;

  /**
   * Verifies a JWT of an issuer that is not an access token, such as a logout token, by the same keys: its algorithm, type, signature and `iss`. An
   * unknown key causes one fetch, as with {@link verifyWithRefresh}. It does not check whom it is for or when it expires: what its type requires of the
   * claims is for the caller to check.
   * @param type the header's `typ`, compared without regard to case, as `logout+jwt`
   * @throws {TokenError}
   */
  verifyStatement(token: string, type: string): Promise<JsonObject>;

  /**
   * The principal of a bearer token that verified before; expiry, key and revocation are checked again.
   * @returns undefined when the token must be verified
   * @throws {TokenError} `TOKEN_EXPIRED`, `TOKEN_REVOKED`, `DPOP_PROOF_MISSING`, `CERTIFICATE_MISMATCH`
   */
  cached(token: string): Caller | undefined;

  /**
   * Like {@link cached}, for an unparsed `Authorization` header: the fastest path for a repeated token.
   * @returns undefined also for any header but `Bearer`, one space and a token: then parse it, and verify the token
   * @throws {TokenError} as {@link cached}
   */
  cachedAuthorization(header: string): Caller | undefined;

  /** Fetches the keys now. @returns whether it succeeded for every issuer */
  loadKeys(): Promise<boolean>;

  /** Stops the background refresh. */
  close(): void;
}
