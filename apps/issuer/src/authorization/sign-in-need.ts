import { CLOCK_TOLERANCE_SECONDS } from '../registry/clocks.js';
import { type AuthorizationRequest } from './authorization-request.js';

/** Whether the person must sign in, or sign in again, before the request can be answered. */
export type SignInNeed = 'none' | 'first' | 'again';

/** How a person signed in. */
export interface SignInProof {
  readonly person: { readonly id: string };
  readonly authenticatedAt: Date;
  readonly acr: string | undefined;
}

/**
 * `prompt=login` and `select_account` ask for a sign-in after the request was first shown, `max_age` for one not longer ago than it says by
 * then (OpenID Connect Core, section 3.1.2.1): so one sign-in satisfies a request, however long the person then takes to decide. `acr_values`
 * ask for one attempt, whose outcome is in the token (RFC 9470, section 5). So does a `subject` if somebody else is signed in.
 */
export function signInNeed(
  { prompt, maxAge, acrValues, subject }: Pick<AuthorizationRequest, 'prompt' | 'maxAge' | 'acrValues' | 'subject'>,
  proof: SignInProof | undefined,
  shownAt: Date,
): SignInNeed {
  if (proof === undefined) return 'first';
  const { authenticatedAt, acr = '' } = proof;
  const weak = acrValues !== undefined && !acrValues.split(' ').includes(acr);
  const other = subject !== undefined && subject !== proof.person.id;
  const age = weak || other || prompt.includes('login') || prompt.includes('select_account') ? 0 : maxAge;
  if (age === undefined) return 'none';
  // A provider counts in seconds, by its own clock.
  const earliest = shownAt.getTime() - (age + CLOCK_TOLERANCE_SECONDS) * 1_000;
  return authenticatedAt.getTime() >= earliest ? 'none' : 'again';
}
