import { type ExecutionContext } from '@nestjs/common';
import { type Principal, type TokenVerifier } from '@countersign/auth-core';

/** What the guard asks of a verifier: `verifyWithRefresh`, and what else it has of a `TokenVerifier`. Tokens that are bound to a key or a certificate are refused without the method for them. */
export type AccessTokenVerifier = Pick<TokenVerifier, 'verifyWithRefresh'> &
  Partial<
    Pick<TokenVerifier, 'verifyWithProof' | 'verifyWithCertificate' | 'cached' | 'cachedAuthorization' | 'close'>
  >;

/** Verifies a bearer token. @throws {TokenError} for one that is not good */
export type BearerVerification = (
  token: string,
  verifier: AccessTokenVerifier,
  context: ExecutionContext,
) => Promise<Principal>;

/** @param request the framework's own request */
export type ClientCertificate = (request: object) => Uint8Array | undefined;
