import { type Principal } from './principal.js';
import { TokenError } from './token-error.js';

/** What an `Authorization` header carries: a scheme and one token (RFC 9110, section 11.4). */
export interface Credentials {
  /** In lower case: `bearer`, `dpop`. */
  readonly scheme: string;
  readonly token: string;
}

/** How nearly everybody writes the scheme: the fast path compares with it. */
export const BEARER = 'Bearer ';

/**
 * Reads an `Authorization` header. Allows spaces between scheme and token and after the token, because white space around a field's value is not part
 * of it (RFC 9110, section 5.5).
 * @returns undefined for a missing header, a scheme without a token, or anything but one token after it
 */
export function credentialsOf(authorization: string | null | undefined): Credentials | undefined {
  const [, scheme, token] = /^([!#$%&'*+.^_`|~\w-]+) +(\S+)[ \t]*$/.exec(authorization ?? '') ?? [];
  return scheme === undefined || token === undefined ? undefined : { scheme: scheme.toLowerCase(), token };
}

/**
 * The token of a request (RFC 6750, section 2.1): from the `Authorization` header only, never from the URL or the body.
 * @param authorization the header's value
 * @throws {TokenError} `TOKEN_MISSING` when there is none, or the scheme is another
 */
export function bearerTokenOf(authorization: string | null | undefined): string {
  const credentials = credentialsOf(authorization);
  if (credentials?.scheme !== 'bearer') throw new TokenError('TOKEN_MISSING');
  return credentials.token;
}

/**
 * Checks that a caller has all of the scopes.
 * @throws {TokenError} `SCOPE_MISSING` (403), which names them in its challenge
 */
export function requireScopes(caller: Principal, ...scopes: readonly string[]): void {
  const missing = scopes.filter((scope) => !caller.scopes.has(scope));
  if (missing.length > 0) {
    throw new TokenError('SCOPE_MISSING', missing.join(' '), {
      expected: scopes.join(' '),
      actual: [...caller.scopes].join(' '),
    });
  }
}
