import { type Principal } from './principal.js';
import { TokenError } from './token-error.js';
import { tokenErrorReasons } from './token-error-reasons.js';

/** What a sensitive operation requires of a person's sign-in (RFC 9470). */
export interface RecentLogin {
  /** Maximum age of the sign-in, in seconds. */
  readonly seconds: number;
  /** Values of `acr` of which the sign-in must have one; any when omitted. */
  readonly acrValues?: readonly string[] | undefined;
}

/** Values for a quoted string of a challenge, separated by spaces. */
const acrPattern = /^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/;

/** @throws {RangeError} if seconds is not a whole number from 0 to a year, or a value cannot be put in a challenge */
export function recentLogin(seconds: number, acrValues?: readonly string[]): RecentLogin {
  if (!Number.isInteger(seconds) || seconds < 0 || seconds > 31_536_000) {
    throw new RangeError('seconds must be a whole number from 0 to 31,536,000');
  }
  if (acrValues?.every((value) => acrPattern.test(value)) === false) {
    throw new RangeError('an acr value must be printable ASCII without space, " and \\');
  }
  return { seconds, acrValues };
}

const WHOSE_OWN = { application: 'an application', service: 'a service' } as const;

/** Why a caller does not count as a person, and what to do. */
function whyNoPerson({ kind, apiKey }: Asked & { readonly kind: keyof typeof WHOSE_OWN }): string {
  const caller =
    apiKey === undefined
      ? `this token is ${WHOSE_OWN[kind]}'s own (kind: ${kind})`
      : `an API key is an application (kind: ${kind}), never a person`;
  return `${tokenErrorReasons.PERSON_REQUIRED.message}; ${caller}: send an access token that was issued to a person who signed in`;
}

type Asked = Pick<Principal, 'kind' | 'apiKey'>;

/**
 * Requires that a caller is a person, no matter who acts for them.
 * @throws {TokenError} `PERSON_REQUIRED` (403); its message says what the caller is, and what to send
 */
export function requirePerson({ kind, apiKey }: Asked): void {
  if (kind === 'person') return;
  const facts = { expected: 'person', actual: kind };
  throw new TokenError('PERSON_REQUIRED', undefined, facts, whyNoPerson({ kind, apiKey }));
}

/**
 * Requires that a caller is a person who signed in recently, by a strong enough method. A client that gets this refusal sends the person to sign in
 * again, with `max_age` and `acr_values` of the challenge (RFC 9470, section 4).
 * @param now seconds since 1970
 * @throws {TokenError} `PERSON_REQUIRED` (403), `LOGIN_NOT_RECENT`, `LOGIN_TOO_WEAK` (401 `insufficient_user_authentication`)
 */
export function requireRecentLogin(
  caller: Asked & Pick<Principal, 'authTime' | 'acr'>,
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
