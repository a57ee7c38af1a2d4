import { type JsonObject } from '@countersign/auth-core';
import { type NewDelegation } from '../delegations/delegation.js';
import { type PersonRow } from '../people/people.tables.js';

/** Seconds within which an application must check an ID token, which only proves that somebody signed in and grants no rights. */
const ID_TOKEN_LIFE_SECONDS = 300;

/** Whether an ID token contains more than the person's identity. */
export const saysMoreOfPerson = (scopes: readonly string[]): boolean =>
  scopes.includes('profile') || scopes.includes('email');

/** The claims about a person for the scopes `profile` and `email` (OpenID Connect Core, section 5.4). */
export function claimsAboutPerson(
  { name, email, signedInAt }: Pick<PersonRow, 'name' | 'email' | 'signedInAt'>,
  scopes: readonly string[],
): JsonObject {
  return {
    ...(scopes.includes('profile') ? { name, updated_at: Math.floor(signedInAt.getTime() / 1_000) } : {}),
    // Only an address that the provider has verified is kept.
    ...(scopes.includes('email') && email !== null ? { email, email_verified: true } : {}),
  };
}

/** The claims of an ID token (OpenID Connect Core, section 2). @param now seconds */
export function idTokenClaims(
  issuer: string,
  delegation: Pick<NewDelegation, 'personId' | 'clientId' | 'authTime' | 'acr' | 'amr' | 'nonce' | 'sessionId'>,
  about: JsonObject,
  now: number,
): JsonObject {
  const { personId, clientId, authTime, acr, amr, nonce, sessionId } = delegation;
  return {
    iss: issuer,
    sub: personId,
    aud: clientId,
    exp: now + ID_TOKEN_LIFE_SECONDS,
    iat: now,
    auth_time: Math.floor(authTime.getTime() / 1_000),
    sid: sessionId,
    ...(nonce === undefined ? {} : { nonce }),
    ...(acr === undefined ? {} : { acr }),
    ...(amr.length === 0 ? {} : { amr }),
    ...about,
  };
}
