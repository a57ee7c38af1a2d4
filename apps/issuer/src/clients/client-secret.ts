import { createHmac, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { authenticationWork } from './authentication-work.js';

/** Secrets of one client that are live at once: a rotation needs no outage. */
export const LIVE_SECRETS_LIMIT = 2;

/** What is kept of a secret. */
export const storedSecretSchema = z.strictObject({
  id: z.uuid(),
  /** HMAC-SHA-256 under the issuer's key, base64url. */
  digest: z.string().length(43),
  /** RFC 3339. */
  created_at: z.iso.datetime(),
});
export type StoredSecret = z.infer<typeof storedSecretSchema>;

/** A new secret: 256 random bits, base64url. It is shown once. */
export function makeSecret(random: (size: number) => Buffer = randomBytes): string {
  return random(32).toString('base64url');
}

/** A random secret of 256 bits needs no slow hash: nobody guesses it, and a keyed digest tells a thief of the table nothing. */
export function digestOf(secret: string, key: Buffer): string {
  authenticationWork.digest += 1;
  return createHmac('sha256', key).update(secret).digest('base64url');
}

const nobody = 'A'.repeat(43);

/** Compares in constant time, always with as many digests as a client may have. */
export function matchesDigest(secret: string, stored: readonly StoredSecret[], key: Buffer): boolean {
  const given = Buffer.from(digestOf(secret, key));
  let matches = false;
  for (let index = 0; index < LIVE_SECRETS_LIMIT; index += 1) {
    const digest = stored[index]?.digest ?? nobody;
    const same = timingSafeEqual(given, Buffer.from(digest)) && index < stored.length;
    matches = matches || same;
  }
  return matches;
}

const importedPattern = /^\$scrypt\$ln=(1[4-7]),r=(8),p=([1-4])\$([A-Za-z0-9+/]{22,86})\$([A-Za-z0-9+/]{43,86})$/;

/** An imported secret: `$scrypt$ln=<14 to 17>,r=8,p=<1 to 4>$<salt>$<hash>`, salt and hash as base64 without padding. */
export const importedSecretSchema = z
  .string()
  .regex(importedPattern, 'a scrypt hash: $scrypt$ln=15,r=8,p=1$<salt>$<hash>, base64 without padding');

/** What nobody's secret hashes to; it costs the same as a real one. */
export const decoyImportedSecret = `$scrypt$ln=15,r=8,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`;

/** Whether a secret hashes to an imported hash (RFC 7914); the work is done on the thread pool. */
export function matchesImported(secret: string, imported: string): Promise<boolean> {
  const [, exponent, blockSize, parallel, salt, hash] = importedPattern.exec(imported) ?? [];
  if (salt === undefined || hash === undefined) return Promise.resolve(false);
  const expected = Buffer.from(hash, 'base64');
  const options = {
    N: 2 ** Number(exponent),
    r: Number(blockSize),
    p: Number(parallel),
    maxmem: 256 * 1024 * 1024,
  };
  authenticationWork.scrypt += 1;
  return new Promise((resolve, reject) => {
    scrypt(secret, Buffer.from(salt, 'base64'), expected.length, options, (error, derived) => {
      if (error !== null) reject(error);
      else resolve(timingSafeEqual(derived, expected));
    });
  });
}
