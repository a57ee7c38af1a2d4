import { randomBytes, verify } from 'node:crypto';
import { decoyKey } from './decoy-keys.js';

describe('a decoy key', () => {
  it.each([
    ['ES256', 'ec', { namedCurve: 'prime256v1' }],
    ['EdDSA', 'ed25519', {}],
    ['RS256', 'rsa', { modulusLength: 2_048, publicExponent: 65_537n }],
    ['PS256', 'rsa', { modulusLength: 2_048, publicExponent: 65_537n }],
  ] as const)('for %s is of the kind that a client would have, and stays the same', (algorithm, type, details) => {
    const key = decoyKey(algorithm);
    expect([key.type, key.asymmetricKeyType, key.asymmetricKeyDetails]).toEqual(['public', type, details]);
    expect(decoyKey(algorithm)).toBe(key);
  });

  it('for RSA does the full work of a verification, and accepts nothing', () => {
    const signature = randomBytes(256);
    // Smaller than any modulus: a larger one would be refused before the work.
    signature[0] = 0;
    expect(verify('sha256', Buffer.from('signed'), decoyKey('RS256'), signature)).toBe(false);
  });
});
