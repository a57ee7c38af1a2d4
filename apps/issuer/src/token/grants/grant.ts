import { type Principal } from '@countersign/auth-core';
import { OAuthError, type RequestTrace } from '@countersign/service-host';
import { type Form } from '../../authentication/oauth-form.js';
import { type Client, type Policy } from '../../registry/client.js';
import { type AccessTokenClaims } from './access-token.js';
import { type TokenRequest } from '../../authentication/token-request.js';
import { type Decided, type Outcome } from '../commits/decided.js';
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
  /** Whom the token acts for; undefined when the client is its own subject. */
  readonly subject: Principal | undefined;
  /** Whether the token goes nowhere from the client that asks: then it is bound to no key, whatever the client's policy says of its own. */
  readonly staysWithClient?: true;
  /** The outside issuer's name and the id of its token, where the subject is known by one. */
  readonly origin?: string;
  /** The transaction that the token would be of, where that began before: also the record of a refusal names it. */
  readonly txn?: string;
  /** @param now milliseconds since 1970 */
  decide(policy: Policy, request: TokenRequest, now: number, boundTo?: string): GrantDecision;
  claims(parameters: TokenParameters): AccessTokenClaims;
  /** What the token is for, where the grant says it and not the request. */
  readonly request?: TokenRequest;
  /** What must commit together with the token's record, and with nothing of it otherwise. */
  readonly together?: Together;
}

/** What the answer says beside the access token. */
export interface FurtherTokens {
  readonly refresh_token?: string;
  readonly id_token?: string;
}

/** A token that is about to be committed. */
export interface Issuing {
  readonly clientId: string;
  readonly claims: AccessTokenClaims;
  /** Thumbprint of the key that it is bound to. */
  readonly boundTo: string | undefined;
  readonly trace: RequestTrace;
}

/** A grant that is refused, with what the trail records: the caller sees less. */
export class GrantRefused extends OAuthError {
  /** @param txn of what was presented, where that is known */
  constructor(
    readonly reason: string,
    description: string,
    error = 'invalid_grant',
    readonly txn?: string,
  ) {
    super(400, error, description);
  }
}

/**
 * Reads what else a request says once it is known of which transaction the token would be: the record of what is refused then names it.
 * @throws {GrantRefused} for an {@link OAuthError} of the work
 */
export function ofTransaction<Read>(txn: string, read: () => Read): Read {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof OAuthError) || error instanceof GrantRefused) throw error;
    throw new GrantRefused(error.error, error.description, error.error, txn);
  }
}

/** A grant's own part of the commit: a code is used up, a delegation begins, a refresh token takes the place of another. */
export interface Together {
  /** Commits it and the decision, both or neither. @throws what the database said: then nothing may be answered but that it failed */
  commit(issuing: Issuing, decided: Decided): Promise<OutcomeTogether>;
}

/** The outcome of a decision, committed together with its grant. */
export type OutcomeTogether =
  | { readonly outcome: Outcome; readonly further?: FurtherTokens }
  /** Somebody was quicker; nothing was recorded. */
  | { readonly outcome: 'refused'; readonly refusal: TogetherRefused };

/** What was good when it was decided, and is no longer. */
export interface TogetherRefused {
  /** What the trail records. */
  readonly reason: string;
  /** What the client sees, with `invalid_grant`. */
  readonly description: string;
  /** What follows. */
  readonly consequence?: (() => Promise<unknown>) | undefined;
}

/** A way to a token (RFC 6749, section 1.3): what it parses, decides and claims. Each has its own file here. */
export interface TokenGrant {
  /** The `grant_type`. */
  readonly type: string;
  /** What the trail calls it. */
  readonly action: 'token:issue' | 'token:exchange' | 'token:refresh';
  /** Whether audience and scopes come from what {@link read} returns, because they were decided before. */
  readonly decidedBefore?: true;
  /** The answer's `issued_token_type` (RFC 8693, section 2.2.1). */
  readonly issuedTokenType?: string;
  /**
   * Parses and verifies the parameters that only this grant has.
   * @param client the client that asks, authenticated
   * @throws {OAuthError}
   */
  read(form: Form, client: Client, trace: RequestTrace): GrantBasis | Promise<GrantBasis>;
}
