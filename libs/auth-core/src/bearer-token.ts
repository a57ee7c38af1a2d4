import { type Principal } from './principal.js';
import { TokenError } from './token-error.js';

/**
 * The token of a request (RFC 6750, section 2.1): from the `Authorization` header alone, never from the address or the body.
 * @param authorization the header's value
 * @throws {TokenError} `TOKEN_MISSING` when there is none, or another scheme
 */
export function bearerTokenOf(authorization: string | null | undefined): string {
  const [, token] = /^Bearer +(\S+)$/i.exec(authorization ?? '') ?? [];
  if (token === undefined) throw new TokenError('TOKEN_MISSING');
  return token;
}

/**
 * Asks that a caller has every one of the scopes.
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
