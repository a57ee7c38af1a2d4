/**
 * ISO 3309, as in zlib; implemented here because `node:zlib` only has it since Node 20.15, and importing it costs a tenth of this package's import
 * time.
 */
const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit += 1) rest = (rest & 1) === 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
  return rest >>> 0;
});

/** CRC-32 of a text's UTF-8. */
export function crc32(text: string): number {
  let rest = 0xffffffff;
  for (const byte of Buffer.from(text)) rest = (table[(rest ^ byte) & 0xff] ?? 0) ^ (rest >>> 8);
  return (rest ^ 0xffffffff) >>> 0;
}
