import { generateSigningKey, type PrivateJwk } from '@countersign/auth-core';
import { z } from 'zod';
import { CliError, ExitCode } from '../cli-error.js';
import { post, type IssuerAddress, type Tokens } from '../person/issuer-calls.js';
import { type KeptLogin, type LoginFile } from '../person/kept-login.js';
import { keptLogin, refresh } from '../person/person-token.js';
import { type LoginRequest } from './code-flow.js';
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
  readonly audience: string;
  readonly scope: string;
}

/** Ends a login at the issuer, with everything derived from it. @throws {CliError} */
async function end(address: IssuerAddress, { client_id, refresh_token: token }: KeptLogin): Promise<void> {
  await post(address, '/oauth2/revoke', { token, token_type_hint: 'refresh_token', client_id }, z.unknown());
}

/**
 * Logs a person in and stores the login; an existing login for the same service ends.
 * @param flow obtains the tokens, bound to this login's own key
 */
export async function logIn(
  address: IssuerAddress,
  { clientId }: LoginRequest,
  file: LoginFile,
  flow: (key: PrivateJwk) => Promise<Tokens>,
): Promise<void> {
  // First, check whether it can be stored.
  const before = await file.locked(() => file.read().catch(() => undefined));
  const key = await generateSigningKey();
  const { refresh_token, scope } = await flow(key);
  const { audience } = file;
  const login = { issuer: address.issuer, audience, client_id: clientId, key, refresh_token, scope };
  await file.locked(() => file.write(login));
  // Anything that cannot be ended now ends with the person's session.
  if (before !== undefined) await end(address, before).catch(() => undefined);
}

/**
 * The subject of an ID token. It came directly from the issuer over a connection that this command opened, which replaces the signature check (OpenID
 * Connect Core, section 3.1.3.7).
 */
function personOf(idToken: string | undefined, issuer: string, clientId: string): z.infer<typeof claimsSchema> {
  const claims = idToken === undefined ? undefined : claimsSchema.safeParse(decodeToken(idToken).claims).data;
  if (claims?.iss === issuer && [claims.aud].flat().includes(clientId)) return claims;
  throw new CliError(ExitCode.refused, 'ANSWER_INVALID', 'the ID token is not from this issuer for this application');
}

/** Who is logged in, according to the issuer. @throws {CliError} `NOT_LOGGED_IN`, `LOGIN_ENDED` */
export function whoIsLoggedIn(address: IssuerAddress, file: LoginFile): Promise<LoggedIn> {
  return file.locked(async () => {
    const login = await keptLogin(file, address.issuer);
    const { id_token: idToken, scope } = await refresh(address, login, file);
    const { sub, name } = personOf(idToken, address.issuer, login.client_id);
    return { id: sub, name, clientId: login.client_id, audience: login.audience, scope };
  });
}

/** Ends a login at the issuer, with everything derived from it, and deletes it. @returns whether there was one */
export async function logOut(address: IssuerAddress, file: LoginFile): Promise<boolean> {
  if ((await file.read()) === undefined) return false;
  return file.locked(async () => {
    const login = await file.read();
    if (login === undefined) return false;
    await end(address, login);
    await file.remove();
    return true;
  });
}
