import { type ExecutionContext } from '@nestjs/common';
import { type Principal, type TokenVerifier } from '@countersign/auth-core';

/**
 * What the guard requires of a verifier: `verifyWithRefresh`, and optionally more of `TokenVerifier`. Tokens that are bound to a key or a certificate
 * are refused without the method for them.
 */
export type AccessTokenVerifier = Pick<TokenVerifier, 'verifyWithRefresh'> &
  Partial<
    Pick<TokenVerifier, 'verifyWithProof' | 'verifyWithCertificate' | 'cached' | 'cachedAuthorization' | 'close'>
  >;

/** Verifies a bearer token. @throws {TokenError} for an invalid one */
export type BearerVerification = (
  token: string,
  verifier: AccessTokenVerifier,
  context: ExecutionContext,
) => Promise<Principal>;

/** @param request the framework's own request */
export type ClientCertificate = (request: object) => Uint8Array | undefined;
