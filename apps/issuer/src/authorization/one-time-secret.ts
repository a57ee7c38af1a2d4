import { createHash, randomBytes } from 'node:crypto';

/** 256 random bits, base64url: a code, or the name of a request. */
export function newOneTimeSecret(random: (size: number) => Buffer = randomBytes): string {
  return random(32).toString('base64url');
}

/** Its stored form: a random secret of 256 bits needs no slow hash (docs/adr/0008). */
export function digestOfSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url');
}
