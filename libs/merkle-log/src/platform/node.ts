import { createHash, hash } from 'node:crypto';

/** Hashes, keys and entries: a `Buffer` here, a plain `Uint8Array` in a browser. */
export type Bytes = Buffer;

/** SHA-256 over the parts, one after the other. */
export function sha256(...parts: readonly Uint8Array[]): Bytes {
  const [only, ...more] = parts;
  if (only !== undefined && more.length === 0) return hash('sha256', only, 'buffer');
  const running = createHash('sha256');
  for (const part of parts) running.update(part);
  return running.digest();
}

const pair = Buffer.alloc(65);

/** SHA-256 over a byte and two hashes of 32 bytes: the tree's inner operation, so it is one call without garbage. */
export function sha256OfPair(prefix: number, left: Uint8Array, right: Uint8Array): Bytes {
  pair[0] = prefix;
  pair.set(left, 1);
  pair.set(right, 33);
  return hash('sha256', pair, 'buffer');
}

/** SHA-256 of a well-formed text in UTF-8. */
export function sha256OfText(text: string): Bytes {
  return hash('sha256', text, 'buffer');
}

/** Bytes of a text in UTF-8. */
export function utf8Length(text: string): number {
  return Buffer.byteLength(text);
}

/** A text in UTF-8. */
export function utf8(text: string): Bytes {
  return Buffer.from(text);
}

/** Zeros. @param length in bytes */
export function zeros(length: number): Bytes {
  return Buffer.alloc(length);
}

/** A copy of the bytes, unaffected by later changes to the original. */
export function copyOf(bytes: Uint8Array): Bytes {
  return Buffer.from(bytes);
}

export function concat(parts: readonly Uint8Array[]): Bytes {
  return Buffer.concat(parts);
}

export function equal(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

export function toHex(bytes: Bytes): string {
  return bytes.toString('hex');
}

export function toBase64(bytes: Bytes): string {
  return bytes.toString('base64');
}

/** Standard base64 (RFC 4648, section 4), strictly: right padding, nothing else in it. @returns undefined for any other text */
export function fromBase64(text: string): Bytes | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}
