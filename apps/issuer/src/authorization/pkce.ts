import { createHash, timingSafeEqual } from 'node:crypto';

/** A SHA-256 in base64url: what `S256` makes of a verifier (RFC 7636, section 4.2), and a key's thumbprint (RFC 7638). */
export const digestPattern = /^[A-Za-z0-9_-]{43}$/;
/** RFC 7636, section 4.1. */
const verifierPattern = /^[A-Za-z0-9._~-]{43,128}$/;

/** Whether a verifier matches a challenge, by `S256`. */
export function verifierFits(verifier: string, challenge: string): boolean {
  if (!verifierPattern.test(verifier)) return false;
  const made = Buffer.from(createHash('sha256').update(verifier).digest('base64url'));
  const expected = Buffer.from(challenge);
  return made.length === expected.length && timingSafeEqual(made, expected);
}
