import { Sha256 } from './sha256.js';

/** Hashes, keys and entries: a `Buffer` in Node, a plain `Uint8Array` here. */
export type Bytes = Uint8Array<ArrayBuffer>;

const encoder = new TextEncoder();

/** SHA-256 over the parts, one after the other. */
export function sha256(...parts: readonly Uint8Array[]): Bytes {
  const running = new Sha256();
  for (const part of parts) running.update(part);
  return running.digest();
}

/** SHA-256 over a byte and two hashes of 32 bytes. */
export function sha256OfPair(prefix: number, left: Uint8Array, right: Uint8Array): Bytes {
  return sha256(Uint8Array.of(prefix), left, right);
}

/** SHA-256 of a well-formed text in UTF-8. */
export function sha256OfText(text: string): Bytes {
  return sha256(encoder.encode(text));
}

/** Bytes of a text in UTF-8. */
export function utf8Length(text: string): number {
  return encoder.encode(text).length;
}

/** A text in UTF-8. */
export function utf8(text: string): Bytes {
  return copyOf(encoder.encode(text));
}

/** Zeros. @param length in bytes */
export function zeros(length: number): Bytes {
  return new Uint8Array(length);
}

/** A copy of the bytes, unaffected by later changes to the original. */
export function copyOf(bytes: Uint8Array): Bytes {
  return new Uint8Array(bytes);
}

export function concat(parts: readonly Uint8Array[]): Bytes {
  const joined = zeros(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

export function equal(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}

export function toHex(bytes: Bytes): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export function toBase64(bytes: Bytes): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** Standard base64 (RFC 4648, section 4), strictly: right padding, nothing else in it. @returns undefined for any other text */
export function fromBase64(text: string): Bytes | undefined {
  let binary: string;
  try {
    binary = atob(text);
  } catch {
    return undefined;
  }
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  return toBase64(bytes) === text ? bytes : undefined;
}
