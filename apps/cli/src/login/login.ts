import { generateSigningKey, type PrivateJwk } from '@countersign/auth-core';
import { z } from 'zod';
import { CliError, ExitCode } from '../cli-error.js';
import { type IssuerAddress } from '../session/session.js';
import { type LoginRequest } from './code-flow.js';
import { post, tokensFor, type Tokens } from './issuer-calls.js';
import { type LoginFile, type KeptLogin } from './kept-login.js';
import { decodeToken } from '../token/decode.js';

const claimsSchema = z.looseObject({
  iss: z.string(),
  sub: z.string(),
  aud: z.union([z.string(), z.array(z.string())]),
  name: z.string().optional(),
});

/** Who is logged in. */
export interface LoggedIn {
  readonly id: string;
  readonly name: string | undefined;
  readonly clientId: string;
  readonly scope: string;
}

/** Logs a person in and keeps that. @param flow gets the tokens, bound to a key of this login alone */
export async function logIn(
  { issuer }: IssuerAddress,
  { clientId }: LoginRequest,
  file: LoginFile,
  flow: (key: PrivateJwk) => Promise<Tokens>,
): Promise<void> {
  // Before anybody is asked: whether it can be kept.
  await file.locked(() => Promise.resolve());
  const key = await generateSigningKey();
  const { refresh_token, scope } = await flow(key);
  await file.locked(() => file.write({ issuer, client_id: clientId, key, refresh_token, scope }));
}

/** Uses the refresh token; its successor is kept before anything else happens. */
async function refresh(address: IssuerAddress, login: KeptLogin, file: LoginFile): Promise<Tokens> {
  const { client_id, refresh_token, key } = login;
  try {
    const tokens = await tokensFor(address, { grant_type: 'refresh_token', client_id, refresh_token }, key);
    await file.write({ ...login, refresh_token: tokens.refresh_token });
    return tokens;
  } catch (error) {
    if (!(error instanceof CliError) || error.code !== 'invalid_grant') throw error;
    throw new CliError(ExitCode.refused, 'LOGIN_ENDED', 'this login has ended', 'Log in again: countersign login');
  }
}

/**
 * Whom an ID token is about. It came from the issuer itself by the connection that this command opened, which stands for its signature (OpenID
 * Connect Core, section 3.1.3.7).
 */
function personOf(idToken: string, issuer: string, clientId: string): z.infer<typeof claimsSchema> {
  const claims = claimsSchema.safeParse(decodeToken(idToken).claims).data;
  if (claims?.iss === issuer && [claims.aud].flat().includes(clientId)) return claims;
  throw new CliError(ExitCode.refused, 'ANSWER_INVALID', 'the ID token is not of this issuer for this application');
}

/** Who is logged in, as the issuer says now. @throws {CliError} `NOT_LOGGED_IN`, `LOGIN_ENDED` */
export function whoIsLoggedIn(address: IssuerAddress, file: LoginFile): Promise<LoggedIn> {
  return file.locked(async () => {
    const login = await file.read();
    if (login === undefined) {
      const message = `nobody is logged in at ${address.issuer}`;
      throw new CliError(ExitCode.usage, 'NOT_LOGGED_IN', message, 'Log in: countersign login');
    }
    const { id_token: idToken, scope } = await refresh(address, login, file);
    const { sub, name } = personOf(idToken, address.issuer, login.client_id);
    return { id: sub, name, clientId: login.client_id, scope };
  });
}

/** Ends the login at the issuer, with all that began by it, and forgets it. @returns whether there was one */
export async function logOut(address: IssuerAddress, file: LoginFile): Promise<boolean> {
  if ((await file.read()) === undefined) return false;
  return file.locked(async () => {
    const login = await file.read();
    if (login === undefined) return false;
    const form = { token: login.refresh_token, token_type_hint: 'refresh_token', client_id: login.client_id };
    await post(address, '/oauth2/revoke', form, z.unknown());
    await file.remove();
    return true;
  });
}
