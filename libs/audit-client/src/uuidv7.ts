import { pooledRandomBytes } from './random-pool.js';

/**
 * A UUID version 7 (RFC 9562, section 5.7): sorted by time, so that it is kind to an index.
 * @param now milliseconds since 1970
 * @param random ten random bytes
 */
export function uuidv7(now: number = Date.now(), random: Buffer = pooledRandomBytes(10)): string {
  const bytes = Buffer.alloc(16);
  bytes.writeUIntBE(now, 0, 6);
  random.copy(bytes, 6, 0, 10);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x70, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
