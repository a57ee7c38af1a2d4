import { TokenError } from '../token-error.js';
import { Scratch } from './fast/scratch.js';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
/** Bits of the last character beyond the last byte, by the length's remainder: they are zero in the canonical form. */
const strayBits = [0, 0, 0b1111, 0b11] as const;
const strays = new Uint8Array(4 * 128);
for (let remainder = 2; remainder < 4; remainder += 1) {
  for (const [value, character] of [...alphabet].entries()) {
    strays[remainder * 128 + character.charCodeAt(0)] = value & (strayBits[remainder] ?? 0);
  }
}

/** Bytes encoded by canonical base64url of the given length. */
const decodedLength = (length: number): number => (length * 3) >> 2;

/**
 * Decodes strict base64url (RFC 7515, section 2): no padding, no white space, no characters of plain base64, no stray bits after the last byte.
 * Node's decoder skips unknown characters, so each one shows as a missing byte; only the two characters of plain base64 need a separate check.
 * @param text already checked by {@link refuseOtherAlphabet}
 * @returns how many bytes were written to `target`
 * @throws {TokenError} `TOKEN_MALFORMED`, also when `target` is too small
 */
export function decodeBase64urlInto(target: Scratch, text: string): number {
  const { length } = text;
  const remainder = length & 3;
  const expected = decodedLength(length);
  if (length === 0 || remainder === 1 || expected > target.size) {
    throw new TokenError('TOKEN_MALFORMED', 'not base64url');
  }
  if (target.putBase64url(text, expected) !== expected) throw new TokenError('TOKEN_MALFORMED', 'not base64url');
  if (strays[(remainder << 7) + text.charCodeAt(length - 1)] !== 0) {
    throw new TokenError('TOKEN_MALFORMED', 'non-canonical base64url');
  }
  return expected;
}

/** Base64's own two characters, which base64url does not have. @throws {TokenError} `TOKEN_MALFORMED` */
export function refuseOtherAlphabet(text: string): void {
  if (text.includes('+') || text.includes('/')) throw new TokenError('TOKEN_MALFORMED', 'not base64url');
}

/** Like {@link decodeBase64urlInto}, into new bytes. @throws {TokenError} `TOKEN_MALFORMED` */
export function decodeBase64url(text: string): Buffer {
  refuseOtherAlphabet(text);
  const target = new Scratch(decodedLength(text.length));
  return target.first(decodeBase64urlInto(target, text));
}
