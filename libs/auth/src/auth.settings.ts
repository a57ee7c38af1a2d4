import { type DpopPresentation, type Principal, type VerifierOptions } from '@countersign/auth-core';
import { type RefusalListener } from './refusal.js';

/** Injection token of the {@link AccessTokenVerifier} that the guard uses. */
export const TOKEN_VERIFIER = Symbol('countersign.token-verifier');
export const AUTH_SETTINGS = Symbol('countersign.auth-settings');
export const REFUSAL_ERRORS = Symbol('countersign.refusal-errors');

/** What the guard asks of a verifier. A `TokenVerifier` is one; a stand-in in a test needs the first method only. */
export interface AccessTokenVerifier {
  /** @throws {TokenError} */
  verifyWithRefresh(token: string): Promise<Principal>;
  /** For tokens that are bound to a key; without it they are refused. @throws {TokenError} */
  verifyWithProof?(token: string, presentation: DpopPresentation): Promise<Principal>;
  /** The principal of a token that verified before and is still good. @throws {TokenError} */
  cached?(token: string): Principal | undefined;
  /** As `cached`, for a whole `Authorization` header. @throws {TokenError} */
  cachedAuthorization?(header: string): Principal | undefined;
  close?(): void;
}

/** The options of `AuthModule`: the verifier's, and how refusals are reported. */
export interface AuthSettings extends VerifierOptions {
  /** The `realm` of `WWW-Authenticate`; the audience by default. */
  readonly realm?: string;
  /**
   * The URL under which callers reach this service, its resource identifier (RFC 9728). With it the service serves
   * `/.well-known/oauth-protected-resource`, and each challenge names that document; and DPoP proofs
   * are compared with it (RFC 9449, section 4.3): without it a token that is bound to a key is refused.
   */
  readonly resource?: string;
  /** Awaited before a refusal is answered. */
  readonly onRefused?: RefusalListener;
  /** A ready verifier, for tests or to share one; made from the options by default. */
  readonly verifier?: AccessTokenVerifier;
  /** Takes the lines of the route report once at start; Nest's logger by default. */
  readonly onRoutes?: (lines: readonly string[]) => void;
}
