import fc from 'fast-check';
import { Scratch } from './scratch.js';

describe('a buffer for one text after another', () => {
  it('has the same content as fresh memory, whatever was in it before', () => {
    const scratch = new Scratch(200);
    const text = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(text, (bytes) => {
        expect(scratch.putLatin1(bytes.toString('latin1'), bytes.length)).toBe(bytes.length);
        expect(scratch.first(bytes.length).equals(bytes)).toBe(true);
        expect(scratch.latin1(bytes.length)).toBe(bytes.toString('latin1'));
        expect(scratch.putBase64url(bytes.toString('base64url'), bytes.length)).toBe(bytes.length);
        expect(scratch.first(bytes.length).equals(bytes)).toBe(true);
      }),
    );
  });
});
