import { anyText } from '@countersign/arbitraries';
import { crc32 as byZlib } from 'node:zlib';
import fc from 'fast-check';
import { crc32 } from './crc32.js';

it('CRC-32 of any text is zlib’s', () => {
  expect(crc32('123456789')).toBe(0xcbf43926);
  fc.assert(
    fc.property(anyText(), (text) => {
      expect(crc32(text)).toBe(byZlib(text));
    }),
  );
});
