import fc from 'fast-check';
import { bucketKeyOf, bucketValueOf, parseRevocation, type Revocation } from './revocation.js';

const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,128}$/);
const seconds = fc.integer({ min: 1, max: 253_402_300_799 });
const revocations: fc.Arbitrary<Revocation> = fc.oneof(
  fc.record({ kind: fc.constant('token' as const), tokenId: id, until: seconds }),
  fc.record({ kind: fc.constant('key' as const), keyId: id, until: seconds }),
  fc.record({
    kind: fc.constant('client' as const),
    clientId: fc.string({ minLength: 1, maxLength: 128, unit: 'grapheme' }).filter((text) => text.isWellFormed()),
    issuedBefore: seconds,
    until: seconds,
  }),
  fc.record({
    kind: fc.constant('subject' as const),
    subject: fc.string({ minLength: 1, maxLength: 100, unit: 'grapheme' }).filter((text) => text.isWellFormed()),
    issuedBefore: seconds,
    until: seconds,
  }),
);

describe('an entry of the bucket', () => {
  it('is read back as it was written, and its key is one that NATS takes', () => {
    fc.assert(
      fc.property(revocations, (revocation) => {
        const key = bucketKeyOf(revocation);
        fc.pre(key.length < 700);
        expect(key).toMatch(/^[a-z]+\.[A-Za-z0-9_-]+$/);
        expect(parseRevocation(key, bucketValueOf(revocation))).toEqual(revocation);
      }),
    );
  });

  it('that is not understood is nothing, never an error', () => {
    fc.assert(
      fc.property(fc.string(), fc.oneof(fc.string(), fc.json()), (key, value) => {
        expect(() => parseRevocation(key, value)).not.toThrow();
      }),
    );
    expect(parseRevocation('client.YQ', '{"until":1}')).toBeUndefined();
    expect(parseRevocation('token.a.b', '{"until":1}')).toBeUndefined();
    expect(parseRevocation('token.a', '{"until":-1}')).toBeUndefined();
  });
});
