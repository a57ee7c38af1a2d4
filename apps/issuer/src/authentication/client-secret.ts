import { createHmac, randomBytes, scrypt, timingSafeEqual, type KeyObject } from 'node:crypto';
import { IMPORTED_COST, LIVE_SECRETS_LIMIT, parseImported, type StoredSecret } from '../registry/stored-secret.js';
import { authenticationWork } from './authentication-work.js';

/** A new secret: 256 random bits, base64url. It is shown once. */
export function makeSecret(random: (size: number) => Buffer = randomBytes): string {
  return random(32).toString('base64url');
}

/** A random secret of 256 bits needs no slow hash: nobody guesses it, and a keyed digest is of no use to someone who steals the table. */
export function digestOf(secret: string, key: KeyObject | Buffer): string {
  authenticationWork.digest += 1;
  return createHmac('sha256', key).update(secret).digest('base64url');
}

const nobody = 'A'.repeat(43);

/** Compares in constant time, always with as many digests as a client may have. */
export function matchesDigest(secret: string, stored: readonly StoredSecret[], key: KeyObject | Buffer): boolean {
  const given = Buffer.from(digestOf(secret, key));
  let matches = false;
  for (let index = 0; index < LIVE_SECRETS_LIMIT; index += 1) {
    const digest = stored[index]?.digest ?? nobody;
    const same = timingSafeEqual(given, Buffer.from(digest)) && index < stored.length;
    matches = matches || same;
  }
  return matches;
}

/** A hash that no secret has. */
export const decoyImportedSecret = `$scrypt$ln=15,r=8,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`;

function derive(secret: string, salt: Buffer, length: number, n: number, parallel: number): Promise<Buffer> {
  authenticationWork.scrypt += (n * parallel) / IMPORTED_COST;
  const options = { N: n, r: 8, p: parallel, maxmem: 64 * 1024 * 1024 };
  return new Promise((resolve, reject) => {
    scrypt(secret, salt, length, options, (error, derived) => {
      if (error === null) resolve(derived);
      else reject(error);
    });
  });
}

/**
 * Whether a secret hashes to an imported hash (RFC 7914); the work is done on the thread pool. Every mismatch costs the same,
 * even if the hash itself is cheaper.
 */
export async function matchesImported(secret: string, imported: string): Promise<boolean> {
  const parsed = parseImported(imported);
  if (parsed === undefined) return false;
  const { n, parallel, salt, hash } = parsed;
  if (timingSafeEqual(await derive(secret, salt, hash.length, n, parallel), hash)) return true;
  const missing = IMPORTED_COST - n * parallel;
  if (missing > 0) await derive(secret, salt, hash.length, missing, 1);
  return false;
}
