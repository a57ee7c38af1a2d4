import { randomBytes } from 'node:crypto';
import { digestOf, seal, unseal } from './sealing.js';

const key = randomBytes(32);
const tokens = { accessToken: 'a', refreshToken: 'r' };

describe('what is sealed', () => {
  it('opens with the key, the purpose and the secret that it was sealed with, and reveals nothing before', () => {
    const sealed = seal(tokens, key, 'tokens', 'secret');
    expect(unseal(sealed, key, 'tokens', 'secret')).toEqual(tokens);
    expect(sealed.toString('latin1')).not.toContain('refreshToken');
    expect(seal(tokens, key, 'tokens', 'secret')).not.toEqual(sealed);
  });

  it('stays closed for a database and key without the cookie, for another key, and for another purpose', () => {
    const sealed = seal(tokens, key, 'tokens', 'secret');
    expect(unseal(sealed, key, 'tokens')).toBeUndefined();
    expect(unseal(sealed, key, 'tokens', digestOf('secret').toString('base64url'))).toBeUndefined();
    expect(unseal(sealed, randomBytes(32), 'tokens', 'secret')).toBeUndefined();
    expect(unseal(sealed, key, 'sign-in', 'secret')).toBeUndefined();
  });

  it('stays closed if any bit was changed, or it was truncated', () => {
    const sealed = seal(tokens, key, 'tokens', 'secret');
    for (let at = 0; at < sealed.length; at += 1) {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(unseal(changed, key, 'tokens', 'secret')).toBeUndefined();
      expect(unseal(sealed.subarray(0, at), key, 'tokens', 'secret')).toBeUndefined();
    }
  });
});
