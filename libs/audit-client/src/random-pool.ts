import { randomFillSync } from 'node:crypto';

const pool = Buffer.alloc(8_192);
let used = pool.length;

/**
 * Random bytes from the system's generator, fetched by the page: a call for ten bytes costs as much as one for thousands.
 * @param size at most 1,024
 * @returns bytes that are handed out once
 */
export function pooledRandomBytes(size: number): Buffer {
  if (size > 1_024) throw new RangeError('1,024 random bytes at the most');
  if (used + size > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const bytes = Buffer.from(pool.subarray(used, used + size));
  pool.fill(0, used, used + size);
  used += size;
  return bytes;
}
