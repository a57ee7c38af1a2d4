import { isObject, type JsonObject } from '@countersign/auth-core/jws';
import { LOGOUT_EVENT } from '../logout-notices/logout-notice.js';

/** Tolerated clock difference in seconds. */
export const TOLERANCE_SECONDS = 30;
/** Maximum age and lifetime of a logout token in seconds; it is remembered for that long. */
const LOGOUT_TOKEN_SECONDS = 600;

/** Why a logout token is invalid. */
export type LogoutTokenFault =
  | 'LOGOUT_MALFORMED'
  | 'LOGOUT_SIGNATURE'
  | 'LOGOUT_ISSUER'
  | 'LOGOUT_AUDIENCE'
  | 'LOGOUT_TIMES'
  | 'LOGOUT_EVENT'
  | 'LOGOUT_NONCE'
  | 'LOGOUT_NOBODY'
  | 'LOGOUT_REPLAYED';

/** Whom a provider signs out. */
export interface LogoutOrder {
  readonly subject: string | undefined;
  readonly providerSession: string | undefined;
  readonly jti: string;
  /** Seconds, by the provider's clock: anyone who signed in there later has signed in again since. */
  readonly issuedAt: number;
  /** Seconds; from then on it is refused by its times. */
  readonly expiresAt: number;
}

const textPattern = /^[\x20-\x7e]{1,255}$/;
const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && textPattern.test(value) ? value : undefined;

/**
 * Checks a logout token's claims (section 2.6).
 * @param now seconds
 */
export function logoutOrder(
  claims: JsonObject,
  expected: { readonly issuer: string; readonly clientId: string },
  now: number,
): LogoutOrder | LogoutTokenFault {
  const { iss, aud, iat, exp, jti, sub, sid, nonce, events } = claims;
  if (iss !== expected.issuer) return 'LOGOUT_ISSUER';
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  if (!audiences.includes(expected.clientId)) return 'LOGOUT_AUDIENCE';
  if (typeof iat !== 'number' || iat > now + TOLERANCE_SECONDS || iat < now - LOGOUT_TOKEN_SECONDS)
    return 'LOGOUT_TIMES';
  // Providers that follow early drafts of the standard omit `exp`.
  if (exp !== undefined && (typeof exp !== 'number' || exp < now - TOLERANCE_SECONDS)) return 'LOGOUT_TIMES';
  if (!isObject(events) || !isObject(events[LOGOUT_EVENT])) return 'LOGOUT_EVENT';
  if (nonce !== undefined) return 'LOGOUT_NONCE';
  const [id, subject, providerSession] = [textOf(jti), textOf(sub), textOf(sid)];
  if (id === undefined) return 'LOGOUT_MALFORMED';
  if (subject === undefined && providerSession === undefined) return 'LOGOUT_NOBODY';
  const expiresAt = Math.ceil(iat + LOGOUT_TOKEN_SECONDS + TOLERANCE_SECONDS);
  return { subject, providerSession, jti: id, issuedAt: iat, expiresAt };
}
