import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

/** Maximum size of an ID token that is kept, in characters: it travels in an address, and few servers take longer ones. */
export const HINT_LIMIT = 4_096;

const ALGORITHM = 'aes-256-gcm';
const IV_SIZE = 12;
const TAG_SIZE = 16;

const keyOf = (secret: string): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, '', 'countersign session provider-hint', 32));

/**
 * Encrypts a provider's ID token, which says who somebody is, under the cookie's secret: the database alone opens nothing.
 * @returns nothing for one that is too long to be of use
 */
export function sealHint(idToken: string, secret: string): string | undefined {
  if (idToken.length > HINT_LIMIT) return undefined;
  const iv = randomBytes(IV_SIZE);
  const cipher = createCipheriv(ALGORITHM, keyOf(secret), iv);
  const sealed = [iv, cipher.update(idToken, 'utf8'), cipher.final(), cipher.getAuthTag()];
  return Buffer.concat(sealed).toString('base64url');
}

/** @returns nothing for what was not sealed under this secret */
export function openHint(sealed: string, secret: string): string | undefined {
  const bytes = Buffer.from(sealed, 'base64url');
  if (bytes.length < IV_SIZE + TAG_SIZE) return undefined;
  const decipher = createDecipheriv(ALGORITHM, keyOf(secret), bytes.subarray(0, IV_SIZE), { authTagLength: TAG_SIZE });
  decipher.setAuthTag(bytes.subarray(-TAG_SIZE));
  try {
    const opened = [decipher.update(bytes.subarray(IV_SIZE, -TAG_SIZE)), decipher.final()];
    return Buffer.concat(opened).toString('utf8');
  } catch {
    return undefined;
  }
}
