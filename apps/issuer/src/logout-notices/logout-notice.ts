import { type TokenSigner, jwtSigner } from '@countersign/auth-core';

/** The member of `events` that makes a security event token a logout token (OpenID Connect Back-Channel Logout 1.0, section 2.4). */
export const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';
/** Seconds for which a logout token is valid: each attempt signs a new one. */
const LIFETIME_SECONDS = 120;

/** What a client is notified of: a person's session that ended. */
export interface LogoutNotice {
  readonly clientId: string;
  readonly personId: string;
  readonly sessionId: string;
}

/**
 * Signs a logout token. Its type keeps it from being taken for an ID token or an access token, and it has no `nonce`.
 * @param id unique: the receiver may refuse one that it has seen
 * @param now milliseconds since 1970
 */
export async function signLogoutToken(
  { clientId, personId, sessionId }: LogoutNotice,
  {
    issuer,
    id,
    now,
    signer,
  }: { readonly issuer: string; readonly id: string; readonly now: number; readonly signer: TokenSigner },
): Promise<string> {
  const iat = Math.floor(now / 1_000);
  const claims = {
    iss: issuer,
    sub: personId,
    aud: clientId,
    iat,
    exp: iat + LIFETIME_SECONDS,
    jti: id,
    events: { [LOGOUT_EVENT]: {} },
    sid: sessionId,
  };
  return jwtSigner({ typ: 'logout+jwt', kid: signer.kid }, signer)(claims);
}

const minute = 60_000;
/** Milliseconds before the 2nd, 3rd, … attempt: about a day in all; by then most applications' sessions have ended anyway. */
const waits = [2_000, 10_000, minute, 5 * minute, 30 * minute, 2 * 60 * minute, 6 * 60 * minute, 12 * 60 * minute];

/**
 * When to retry after a number of failed attempts: half of the wait is fixed, half random.
 * @param random 0 to 1
 * @returns undefined after the last attempt
 */
export function nextAttempt(attempts: number, now: Date, random: number): Date | undefined {
  const wait = waits[attempts - 1];
  return wait === undefined ? undefined : new Date(now.getTime() + wait * (0.5 + random / 2));
}
