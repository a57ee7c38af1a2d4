import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';

const ALGORITHM = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * A key for one purpose.
 * @param key the configured key
 * @param secret what else must be known to open it: of a session its cookie, so that database and key together open no token of anybody
 */
function keyFor(key: Buffer, purpose: string, secret: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key, secret, `countersign console ${purpose}`, 32));
}

/** Encrypts JSON (AES-256-GCM under a key for this purpose and secret). */
export function seal(value: unknown, key: Buffer, purpose: string, secret = ''): Buffer {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(ALGORITHM, keyFor(key, purpose, secret), iv);
  const sealed = Buffer.concat([cipher.update(JSON.stringify(value), 'utf8'), cipher.final()]);
  return Buffer.concat([iv, sealed, cipher.getAuthTag()]);
}

/** @returns nothing for what was not sealed under this key, for this purpose and secret */
export function unseal(sealed: Buffer, key: Buffer, purpose: string, secret = ''): unknown {
  if (sealed.length < IV_BYTES + TAG_BYTES) return undefined;
  const decipher = createDecipheriv(ALGORITHM, keyFor(key, purpose, secret), sealed.subarray(0, IV_BYTES));
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  try {
    const text = Buffer.concat([decipher.update(sealed.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()]);
    return JSON.parse(text.toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}

/** Under which a session is kept: who reads the database learns no cookie. */
export const digestOf = (secret: string): Buffer => createHash('sha256').update(secret).digest();
