import { constants, generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto';
import { decoyKey } from './decoy-keys.js';

const text = Buffer.from('header.payload');
const modulusOf = (key: KeyObject): Buffer => Buffer.from(key.export({ format: 'jwk' }).n ?? '', 'base64url');

describe('a decoy', () => {
  it('is of the size and kind of a real key, and stays the same', () => {
    expect(decoyKey('RS256').asymmetricKeyDetails).toEqual({ modulusLength: 2_048, publicExponent: 65_537n });
    expect(decoyKey('PS256')).toBe(decoyKey('RS256'));
    expect(decoyKey('ES256').asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' });
    expect(decoyKey('EdDSA').asymmetricKeyType).toBe('ed25519');
  });

  it('of RSA has an odd modulus that is not below that of real keys, so that no signature spares the work', () => {
    const modulus = modulusOf(decoyKey('RS256'));
    expect(modulus.readUInt8(255) % 2).toBe(1);
    expect(modulus.readUInt8(0)).toBeGreaterThanOrEqual(0xc0);
  });

  it('verifies no signature, and fails by the answer no', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 }).privateKey;
    const padding = constants.RSA_PKCS1_PSS_PADDING;
    const signatures = [sign('sha256', text, rsa), Buffer.alloc(256), Buffer.alloc(256, 255)];
    for (const signature of signatures) {
      expect(verify('sha256', text, decoyKey('RS256'), signature)).toBe(false);
      expect(verify('sha256', text, { key: decoyKey('PS256'), padding, saltLength: 32 }, signature)).toBe(false);
    }
  });
});
