import { createHmac, timingSafeEqual, type KeyObject } from 'node:crypto';

/**
 * The stored form of a key: a keyed digest of its SHA-256, useless to anyone who steals the table.
 * @param hash SHA-256 of the whole key, base64url
 * @param secret the issuer's own
 */
export function digestOfHash(hash: string, secret: KeyObject | Buffer): string {
  // Client secrets are digested under the same secret; no client secret contains a space.
  return createHmac('sha256', secret).update(`api-key ${hash}`).digest('base64url');
}

/** A digest that no key has: used for comparison if there is no such key, so that both cases take the same work. */
const nobody = 'A'.repeat(43);

/** Compares in constant time; an unknown key costs the same. @param stored undefined if there is no such key */
export function matchesHash(hash: string, stored: string | undefined, secret: KeyObject | Buffer): boolean {
  const same = timingSafeEqual(Buffer.from(digestOfHash(hash, secret)), Buffer.from(stored ?? nobody));
  return same && stored !== undefined;
}
