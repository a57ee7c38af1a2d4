import { generateSigningKey, publicJwkOf, verificationKeyOf, type VerificationKey } from './jwk.js';
import { CANDIDATES_LIMIT, KeySet } from './key-set.js';

describe('a key set', () => {
  let keys: Record<'es256' | 'rsa' | 'ps256' | 'eddsa', VerificationKey>;
  const read = async (algorithm: string, says: object = {}): Promise<VerificationKey> => {
    const key = verificationKeyOf({ ...publicJwkOf(await generateSigningKey(algorithm)), kid: 'same', ...says });
    if (key === undefined) throw new Error('no key');
    return key;
  };
  beforeAll(async () => {
    keys = {
      es256: await read('ES256'),
      rsa: await read('RS256', { alg: undefined }),
      ps256: await read('PS256'),
      eddsa: await read('EdDSA', { kid: 'other' }),
    };
  });

  it('returns every key of a kid whose type and alg match, in order', () => {
    const set = new KeySet([keys.es256, keys.rsa, keys.ps256, keys.eddsa]);
    expect(set.candidates('PS256', 'same')).toEqual([keys.rsa, keys.ps256]);
    expect(set.candidates('RS256', 'same')).toEqual([keys.rsa]);
    expect(set.candidates('EdDSA', 'same')).toEqual([]);
    expect(set.candidates('ES256', 'no such')).toEqual([]);
  });

  it('returns every matching key if no kid is named', () => {
    const set = new KeySet([keys.es256, keys.rsa, keys.ps256, keys.eddsa]);
    expect(set.candidates('EdDSA', undefined)).toEqual([keys.eddsa]);
    expect(set.candidates('PS256', undefined)).toEqual([keys.rsa, keys.ps256]);
  });

  it('limits the keys that are tried for one signature', () => {
    const set = new KeySet(Array.from({ length: 50 }, () => keys.es256));
    expect(set.candidates('ES256', 'same').length).toBe(CANDIDATES_LIMIT);
    expect(set.candidates('ES256', undefined).length).toBe(CANDIDATES_LIMIT);
  });

  it('holds a key only under its own kid, with its own value, and for its original purpose', async () => {
    const set = new KeySet([keys.rsa]);
    expect(set.holds(keys.rsa)).toBe(true);
    expect(set.holds({ ...keys.rsa, keyId: 'other' })).toBe(false);
    expect(set.holds(await read('RS256'))).toBe(false);
    expect(new KeySet([{ ...keys.rsa, algorithms: new Set(['RS256']) }]).holds(keys.rsa)).toBe(false);
  });
});
