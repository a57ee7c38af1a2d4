import { randomHex } from './fast/random-hex.js';

/** Two bits of a random digit, after those of the variant. */
const variants: Readonly<Record<string, string>> = Object.fromEntries(
  Array.from('0123456789abcdef', (digit, value) => [digit, '89ab'.charAt(value & 3)]),
);

/**
 * A UUID version 7 (RFC 9562, section 5.7): sorted by time, so that it suits an index.
 * @param now milliseconds since 1970
 * @param random 19 random hexadecimal digits; only two bits of the fourth are used
 */
export function uuidv7(now: number = Date.now(), random: string = randomHex(19)): string {
  const time = now.toString(16).padStart(12, '0');
  const variant = variants[random.charAt(3)] ?? '8';
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(0, 3)}-${variant}${random.slice(4, 7)}-${random.slice(7, 19)}`;
}
