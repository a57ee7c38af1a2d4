import { generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto';
import fc from 'fast-check';
import { derToRaw, rawToDer } from './ecdsa-encoding.js';

describe('ECDSA signatures', () => {
  it('keep r and s when converted from raw to DER and back', () => {
    const half = fc
      .tuple(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.nat(32))
      .map(([bytes, zeros]) => bytes.fill(0, 0, zeros));
    fc.assert(
      fc.property(half, half, (r, s) => {
        const raw = Buffer.concat([r, s]);
        const der = rawToDer(raw);
        expect(der[1]).toBe(der.length - 2);
        expect(derToRaw(der).equals(raw)).toBe(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it('are those that node:crypto makes and verifies in raw form itself', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const dsaEncoding = 'ieee-p1363';
    for (let n = 0; n < 100; n += 1) {
      const data = randomBytes(40);
      const plain = sign('sha256', data, { key: privateKey, dsaEncoding });
      expect(verify('sha256', data, publicKey, rawToDer(plain))).toBe(true);
      const quick = derToRaw(sign('sha256', data, privateKey));
      expect(verify('sha256', data, { key: publicKey, dsaEncoding }, quick)).toBe(true);
      expect(verify('sha256', randomBytes(40), publicKey, rawToDer(plain))).toBe(false);
    }
  });
});
