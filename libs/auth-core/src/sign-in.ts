import { type Principal } from './principal.js';
import { TokenError } from './token-error.js';

/** What a step of some weight asks of a person's sign-in (RFC 9470). */
export interface RecentLogin {
  /** How long ago the person may have signed in, in seconds. */
  readonly seconds: number;
  /** Values of `acr` of which the sign-in must have one; any will do when left out. */
  readonly acrValues?: readonly string[] | undefined;
}

/** What fits a quoted string of a challenge, separated by spaces. */
const acrPattern = /^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/;

/** @throws {RangeError} for seconds that are not a whole number from 0 to a year, or a value that no challenge could name */
export function recentLogin(seconds: number, acrValues?: readonly string[]): RecentLogin {
  if (!Number.isInteger(seconds) || seconds < 0 || seconds > 31_536_000) {
    throw new RangeError('seconds must be a whole number from 0 to 31,536,000');
  }
  if (acrValues?.every((value) => acrPattern.test(value)) === false) {
    throw new RangeError('a value of acr must be printable ASCII without space, " and \\');
  }
  return { seconds, acrValues };
}

/**
 * Asks that a caller is a person, no matter who acts for it.
 * @throws {TokenError} `PERSON_REQUIRED` (403)
 */
export function requirePerson({ kind }: Pick<Principal, 'kind'>): void {
  if (kind !== 'person') throw new TokenError('PERSON_REQUIRED', undefined, { expected: 'person', actual: kind });
}

/**
 * Asks that a caller is a person who signed in a short time ago, and well enough. A client that gets this refusal sends the person to sign in
 * again, with `max_age` and `acr_values` of the challenge (RFC 9470, section 4).
 * @param now seconds since 1970
 * @throws {TokenError} `PERSON_REQUIRED` (403), `LOGIN_NOT_RECENT`, `LOGIN_TOO_WEAK` (401 `insufficient_user_authentication`)
 */
export function requireRecentLogin(
  caller: Pick<Principal, 'kind' | 'authTime' | 'acr'>,
  { seconds, acrValues }: RecentLogin,
  now: number,
): void {
  requirePerson(caller);
  const { authTime, acr } = caller;
  const login = { maxAge: seconds, acrValues };
  if (authTime === undefined || now - authTime > seconds) {
    const age = authTime === undefined ? 'unknown' : Math.floor(now - authTime);
    throw new TokenError('LOGIN_NOT_RECENT', 'auth_time', { expected: seconds, actual: age, login });
  }
  if (acrValues !== undefined && (acr === undefined || !acrValues.includes(acr))) {
    throw new TokenError('LOGIN_TOO_WEAK', 'acr', { expected: acrValues.join(' '), actual: acr, login });
  }
}
