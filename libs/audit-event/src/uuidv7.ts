import { randomHex } from './random-hex.js';

/** Two bits of a random digit, after those of the variant. */
const variants: Readonly<Record<string, string>> = Object.fromEntries(
  Array.from('0123456789abcdef', (digit, value) => [digit, '89ab'.charAt(value & 3)]),
);
let latest = { now: Number.NaN, prefix: '' };

/** The time's digits and the version; ids of one millisecond share them. */
function prefixOf(now: number): string {
  if (latest.now !== now) {
    const time = now.toString(16).padStart(12, '0');
    latest = { now, prefix: `${time.slice(0, 8)}-${time.slice(8)}-7` };
  }
  return latest.prefix;
}

/**
 * A UUID version 7 (RFC 9562, section 5.7): sorted by time, so that it suits an index.
 * @param now milliseconds since 1970
 * @param random 19 random hexadecimal digits; only two bits of the fourth are used
 */
export function uuidv7(now: number = Date.now(), random: string = randomHex(19)): string {
  const variant = variants[random.charAt(3)] ?? '8';
  return `${prefixOf(now)}${random.slice(0, 3)}-${variant}${random.slice(4, 7)}-${random.slice(7, 19)}`;
}
