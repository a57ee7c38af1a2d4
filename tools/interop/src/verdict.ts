import { TokenError, type Principal, type TokenVerifier } from '@countersign/auth-core';

/** What a verifier makes of a token: something of its principal, or the code of the refusal. */
export function verdictOf(verifier: TokenVerifier, token: string, say: (caller: Principal) => string): string {
  try {
    return say(verifier.verify(token));
  } catch (error) {
    if (error instanceof TokenError) return error.code;
    throw error;
  }
}

/** Of what was tried, what came out otherwise than it must. */
export const unexpected = (
  tried: readonly (readonly [what: string, found: string, expected: string])[],
): readonly string[] =>
  tried.filter(([, found, wanted]) => found !== wanted).map(([what, found]) => `${what}: ${found}`);
