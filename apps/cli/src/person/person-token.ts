import { type PrivateJwk } from '@countersign/auth-core';
import { CliError, ExitCode } from '../cli-error.js';
import { tokensFor, type IssuerAddress, type Tokens } from './issuer-calls.js';
import { type KeptLogin, type LoginFile } from './kept-login.js';

/** An access token with which a command acts for the person who is logged in. */
export interface PersonToken {
  readonly token: string;
  /** Seconds since 1970. */
  readonly expiresAt: number;
  readonly scopes: readonly string[];
  /** The key to which it is bound (RFC 9449), whose possession the sender proves. */
  readonly key: PrivateJwk;
}

/** How to log in for what a command needs. */
const loginHint = (audience: string, scopes: readonly string[] = []): string =>
  `Log in: countersign login${audience === 'issuer' && scopes.length === 0 ? '' : ` --audience ${audience}`}` +
  (scopes.length === 0 ? '' : ` --scope ${scopes.join(' ')}`);

/** The stored login. @throws {CliError} `NOT_LOGGED_IN` */
export async function keptLogin(file: LoginFile, issuer: string): Promise<KeptLogin> {
  const login = await file.read();
  if (login !== undefined) return login;
  const what = file.audience === 'issuer' ? '' : ` for ${file.audience}`;
  throw new CliError(
    ...([
      ExitCode.usage,
      'NOT_LOGGED_IN',
      `nobody is logged in${what} at ${issuer}`,
      loginHint(file.audience),
    ] as const),
  );
}

/**
 * Uses the refresh token under the file's lock; its successor is stored before anything else happens.
 * @param scopes all of the login's when empty
 * @throws {CliError} `LOGIN_ENDED`
 */
export async function refresh(
  address: IssuerAddress,
  login: KeptLogin,
  file: LoginFile,
  scopes: readonly string[] = [],
): Promise<Tokens> {
  const { client_id, refresh_token, key } = login;
  const narrower = scopes.length === 0 ? {} : { scope: scopes.join(' ') };
  try {
    const form = { grant_type: 'refresh_token', client_id, refresh_token, ...narrower };
    const tokens = await tokensFor(address, form, key);
    await file.write({ ...login, refresh_token: tokens.refresh_token });
    return tokens;
  } catch (error) {
    if (!(error instanceof CliError) || error.code !== 'invalid_grant') throw error;
    throw new CliError(ExitCode.refused, 'LOGIN_ENDED', 'this login has ended', loginHint(login.audience));
  }
}

/**
 * A token for the person who is logged in.
 * @param scopes what is needed; all of the login's when empty
 * @param anyOf scopes of which one is enough, the best first
 * @throws {CliError} `NOT_LOGGED_IN`, `LOGIN_ENDED`, `SCOPE_NOT_ALLOWED`
 */
export function personToken(
  address: IssuerAddress,
  file: LoginFile,
  scopes: readonly string[],
  anyOf: readonly string[],
): Promise<PersonToken> {
  return file.locked(async () => {
    const login = await keptLogin(file, address.issuer);
    const held = login.scope.split(' ');
    const enough = anyOf.find((scope) => held.includes(scope));
    const missing = scopes.filter((scope) => !held.includes(scope));
    if (missing.length > 0 || (anyOf.length > 0 && enough === undefined)) {
      const wanted = missing.length > 0 ? missing : anyOf;
      const message = `the login for ${login.audience} does not have ${wanted.join(missing.length > 0 ? ', ' : ' or ')}`;
      const hint = `If your roles include it, allow it: ${loginHint(login.audience, wanted.slice(0, 1))}`;
      throw new CliError(ExitCode.refused, 'SCOPE_NOT_ALLOWED', message, hint);
    }
    const asked = enough === undefined ? scopes : [enough];
    const { access_token: token, expires_in: life, scope } = await refresh(address, login, file, asked);
    return { token, expiresAt: Math.floor(Date.now() / 1_000) + life, scopes: scope.split(' '), key: login.key };
  });
}
