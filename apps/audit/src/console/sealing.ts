import { createHash, hkdfSync } from 'node:crypto';
import { openText, sealText } from '@countersign/service-host';

/**
 * A key for one purpose.
 * @param key the configured key
 * @param secret what else is needed to open it: for a session its cookie, so that database and key alone open nobody's token
 */
function keyFor(key: Buffer, purpose: string, secret: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key, secret, `countersign console ${purpose}`, 32));
}

/** Encrypts JSON (AES-256-GCM under a key for this purpose and secret). */
export function seal(value: unknown, key: Buffer, purpose: string, secret = ''): Buffer {
  return sealText(JSON.stringify(value), keyFor(key, purpose, secret));
}

/** @returns undefined if it was not sealed under this key, for this purpose and secret */
export function unseal(sealed: Buffer, key: Buffer, purpose: string, secret = ''): unknown {
  const text = openText(sealed, keyFor(key, purpose, secret));
  return text === undefined ? undefined : (JSON.parse(text) as unknown);
}

/** The name under which a session is stored, so that the database does not reveal cookies. */
export const digestOf = (secret: string): Buffer => createHash('sha256').update(secret).digest();
