import fc from 'fast-check';

/**
 * Texts of any characters. fast-check's `unit: 'binary'` lists all of Unicode before its first text, which takes a second and 100 MB.
 * @param maxLength in characters
 */
export const anyText = (maxLength?: number): fc.Arbitrary<string> =>
  fc.oneof(
    fc.string(maxLength === undefined ? {} : { maxLength }),
    fc
      .array(fc.nat(0x10ffff), maxLength === undefined ? {} : { maxLength })
      .map((points) => String.fromCodePoint(...points).toWellFormed()),
  );
