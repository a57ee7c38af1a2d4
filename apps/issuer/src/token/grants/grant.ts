import { type Principal } from '@countersign/auth-core';
import { type Form } from '../../authentication/oauth-form.js';
import { type Client, type Policy } from '../../registry/client.js';
import { type AccessTokenClaims } from '../access-token.js';
import { type TokenRequest } from '../token-request.js';
import { type TokenParameters } from './token-parameters.js';

/** Whether a grant gives what is asked for: the scopes, or the error (RFC 6749, section 5.2; RFC 8693, section 2.2.2). */
export type GrantDecision =
  | { readonly ok: true; readonly scopes: readonly string[] }
  | {
      readonly ok: false;
      readonly error: 'invalid_target' | 'invalid_scope' | 'invalid_grant';
      readonly description: string;
    };

/** What a request brought for its grant, read and verified; nothing is decided by that. */
export interface GrantBasis {
  /** Whom the token acts for; nothing when the client is its own subject. */
  readonly subject: Principal | undefined;
  /** @param now milliseconds since 1970 */
  decide(policy: Policy, request: TokenRequest, now: number): GrantDecision;
  claims(parameters: TokenParameters): AccessTokenClaims;
}

/** A way to a token (RFC 6749, section 1.3): what it parses, decides and claims. Each has a file of its own here. */
export interface TokenGrant {
  /** The `grant_type`. */
  readonly type: string;
  /** What the trail calls it. */
  readonly action: 'token:issue' | 'token:exchange';
  /** The answer's `issued_token_type` (RFC 8693, section 2.2.1). */
  readonly issuedTokenType?: string;
  /**
   * Parses and verifies the parameters that only this grant has.
   * @param client the client that asks, authenticated
   * @throws {OAuthError}
   */
  read(form: Form, client: Client): GrantBasis | Promise<GrantBasis>;
}
