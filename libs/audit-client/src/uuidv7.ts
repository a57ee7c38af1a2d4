import { randomHex } from './random-hex.js';

const variants = '89ab';

/**
 * A UUID version 7 (RFC 9562, section 5.7): sorted by time, so that it is kind to an index.
 * @param now milliseconds since 1970
 * @param random 19 random hexadecimal digits; of the fourth two bits are taken
 */
export function uuidv7(now: number = Date.now(), random: string = randomHex(19)): string {
  const time = now.toString(16).padStart(12, '0');
  const variant = variants.charAt(Number.parseInt(random.charAt(3), 16) & 3);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(0, 3)}-${variant}${random.slice(4, 7)}-${random.slice(7, 19)}`;
}
