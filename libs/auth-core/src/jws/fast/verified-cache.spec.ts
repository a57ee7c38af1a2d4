import { generateKeyPairSync, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { type VerificationKey } from '../../keys/jwk.js';
import { KeySet } from '../../keys/key-set.js';
import { type Principal } from '../../principal.js';
import { VerifiedCache } from './verified-cache.js';

const principal: Principal = {
  subject: 'ada',
  clientId: 'shop',
  actors: [],
  scopes: new Set(),
  audience: 'orders',
  issuer: 'https://issuer.test',
  tokenId: 'one',
  txn: 'one',
  roles: [],
  amr: [],
  kind: 'service',
  issuedAt: 0,
  expiresAt: 300,
};
const { publicKey } = generateKeyPairSync('ed25519');
const keyOf = (keyId: string, thumbprint = keyId): VerificationKey => ({
  keyId,
  thumbprint,
  key: publicKey,
  algorithms: new Set(['EdDSA']),
});
const key = keyOf('k');
const token = (): string => `header.payload.${randomBytes(64).toString('base64url')}`;

describe('the cache of verified tokens', () => {
  it('returns what a map in order of use would, or nothing', () => {
    const tokens = Array.from({ length: 40 }, token);
    const callers = tokens.map((_, place) => ({ ...principal, tokenId: String(place) }));
    const steps = fc.array(fc.record({ place: fc.nat(39), does: fc.constantFrom('add', 'get', 'delete') }));
    fc.assert(
      fc.property(steps, (all) => {
        const cache = new VerifiedCache(8);
        const plain = new Map<string, Principal>();
        for (const { place, does } of all) {
          const [one = '', caller = principal] = [tokens[place], callers[place]];
          if (does === 'delete') {
            cache.delete(one);
            plain.delete(one);
          } else if (does === 'add') {
            cache.add(one, caller, key);
            plain.set(one, caller);
            expect(cache.get(one)?.principal).toBe(caller);
          }
          for (const found of [cache.get(one), cache.getByHeader(`Bearer ${one}`)])
            expect([undefined, plain.get(one)]).toContain(found?.principal);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('finds exactly the token, and no other with the same ending', () => {
    const cache = new VerifiedCache(100);
    const known = token();
    cache.add(known, principal, key);
    expect(cache.get(known)?.principal).toBe(principal);
    expect(cache.get(`other${known}`)).toBeUndefined();
    expect(cache.get('')).toBeUndefined();
    cache.delete(known);
    expect(cache.get(known)).toBeUndefined();
  });

  it('finds it by its whole header too, and by no other header with the same ending', () => {
    const cache = new VerifiedCache(100);
    const known = token();
    cache.add(known, principal, key);
    const ways = [
      `Bearer ${known}`,
      `DPoP ${known}`,
      `bearer ${known}`,
      `Bearer  ${known}`,
      `Bearer other${known}`,
      known,
    ];
    const found = (): boolean[] => ways.map((header) => cache.getByHeader(header) !== undefined);
    expect([found(), found()]).toEqual([1, 2].map(() => [true, false, false, false, false, false]));
    expect(cache.getByHeader('')).toBeUndefined();
    cache.delete(known);
    expect(found()).not.toContain(true);
  });

  it('holds its nominal number of tokens, and never more than three times as many', () => {
    const cache = new VerifiedCache(1_000);
    const tokens = Array.from({ length: 1_000 }, token);
    for (const one of tokens) cache.add(one, principal, key);
    expect(tokens.filter((one) => cache.get(one) !== undefined).length).toBeGreaterThan(950);
    for (let index = 0; index < 10_000; index += 1) cache.add(token(), principal, key);
    expect(cache.size).toBeLessThanOrEqual(3_000);
    expect(new VerifiedCache(0).get(tokens[0] ?? '')).toBeUndefined();
  });

  it('keeps tokens in use through a flood of tokens that are seen once', () => {
    const cache = new VerifiedCache(1_000);
    const inUse = Array.from({ length: 100 }, token);
    for (const one of inUse) cache.add(one, principal, key);
    for (let index = 0; index < 20_000; index += 1) {
      cache.add(token(), principal, key);
      if (index % 100 === 0) for (const one of inUse) cache.get(one);
    }
    expect(inUse.filter((one) => cache.get(one) !== undefined).length).toBeGreaterThan(95);
  });

  it('drops the tokens of removed keys', () => {
    const cache = new VerifiedCache(10);
    const [one, other] = [token(), token()];
    const kept = keyOf('kept');
    cache.add(one, principal, key);
    cache.add(other, principal, kept);
    cache.keepKeys(new KeySet([kept]));
    expect([cache.get(one), cache.get(other)?.key]).toEqual([undefined, kept]);
  });

  it('drops the tokens of a key whose kid now belongs to another key', () => {
    const cache = new VerifiedCache(10);
    const known = token();
    cache.add(known, principal, key);
    cache.keepKeys(new KeySet([keyOf('k', 'other')]));
    expect(cache.get(known)).toBeUndefined();
  });
});
