import {
  generateSigningKey,
  localSigner,
  publicJwkOf,
  signJwt,
  type PrivateJwk,
  type Revocation,
} from '@countersign/auth-core';
import { KeySet, verificationKeyOf } from '@countersign/auth-core/jws';
import fc from 'fast-check';
import { decodeProtectedHeader, jwtVerify, createLocalJWKSet } from 'jose';
import { readDigest, readStatement, StatementError } from './read-statement.js';
import { signDigest, signStatement, type Signing } from './sign-statement.js';

const issuer = 'https://issuer.test';
const now = 1_800_000_000_250;
const second = 1_800_000_000;

const name = fc.string({ minLength: 1, maxLength: 100, unit: 'grapheme' }).filter((text) => text.isWellFormed());
const plain = fc.stringMatching(/^[A-Za-z0-9_-]{1,128}$/);
const life = fc.integer({ min: 1, max: 900 });
const before = fc.integer({ min: 0, max: 100_000 }).map((ms) => (now - ms) / 1_000);
const revocations: fc.Arbitrary<Revocation> = fc.oneof(
  fc.record({ kind: fc.constant('token' as const), tokenId: plain, until: life.map((left) => second + left) }),
  fc.record({ kind: fc.constant('transaction' as const), txn: plain, until: life.map((left) => second + left) }),
  fc.tuple(name, before).map(([clientId, issuedBefore]): Revocation => ({
    kind: 'client',
    clientId,
    issuedBefore,
    until: Math.ceil(issuedBefore) + 900,
  })),
  fc.tuple(name, before).map(([subject, issuedBefore]): Revocation => ({
    kind: 'subject',
    subject,
    issuedBefore,
    until: Math.ceil(issuedBefore) + 900,
  })),
  fc.tuple(plain, before).map(([apiKeyId, issuedBefore]): Revocation => ({
    kind: 'api-key',
    apiKeyId,
    issuedBefore,
    until: Math.ceil(issuedBefore) + 900,
  })),
  fc.record({ kind: fc.constant('key' as const), keyId: plain, until: life.map((left) => second + left * 2_800) }),
);

describe('a statement', () => {
  let key: PrivateJwk;
  let stranger: PrivateJwk;
  let keys: KeySet;
  let signing: Signing;

  beforeAll(async () => {
    [key, stranger] = await Promise.all([generateSigningKey(), generateSigningKey()]);
    const own = verificationKeyOf({ ...publicJwkOf(key), use: 'revocation' }, 'revocation');
    if (own === undefined) throw new Error('no key');
    keys = new KeySet([own]);
    signing = { issuer, id: 'id', now, key };
  });

  const refusal = (text: string, at = now): string => {
    try {
      readStatement(text, issuer, keys, at);
      return 'taken';
    } catch (error) {
      return error instanceof StatementError ? error.message : 'another error';
    }
  };

  it('is read back unchanged, with its number and time', () => {
    fc.assert(
      fc.property(revocations, fc.nat(), (revocation, number) => {
        expect(readStatement(signStatement({ revocation, number }, signing), issuer, keys, now)).toEqual({
          revocation,
          number,
          madeAt: now,
        });
      }),
    );
  });

  it('is a security event token for everybody else, and no access token', async () => {
    const text = signStatement(
      { revocation: { kind: 'token', tokenId: 'one', until: second + 300 }, number: 1 },
      signing,
    );
    expect(decodeProtectedHeader(text)).toMatchObject({ typ: 'secevent+jwt', kid: key.kid });
    // Anyone who knows no use but `sig` finds no key for it in the issuer's set.
    const published = createLocalJWKSet({ keys: [{ ...publicJwkOf(key), use: 'revocation' }] });
    await expect(jwtVerify(text, published)).rejects.toThrow(/no applicable key/);
    expect(verificationKeyOf({ ...publicJwkOf(key), use: 'revocation' })).toBeUndefined();
    expect(verificationKeyOf({ ...publicJwkOf(key), use: 'sig' }, 'revocation')).toBeUndefined();
    expect(verificationKeyOf({ ...publicJwkOf(key), use: undefined }, 'revocation')).toBeUndefined();
  });

  it('is rejected with another key, from another issuer, of another type, or after a change', () => {
    const one: Revocation = { kind: 'token', tokenId: 'one', until: second + 300 };
    expect(refusal(signStatement({ revocation: one, number: 1 }, signing))).toBe('taken');
    expect(refusal(signStatement({ revocation: one, number: 1 }, { ...signing, key: stranger }))).toMatch(
      /not signed with a revocation key/,
    );
    expect(
      refusal(signStatement({ revocation: one, number: 1 }, { ...signing, key: { ...stranger, kid: key.kid } })),
    ).toMatch(/not verify/);
    expect(refusal(signStatement({ revocation: one, number: 1 }, { ...signing, issuer: 'https://other.test' }))).toBe(
      'of another issuer',
    );
    expect(refusal(signStatement({ revocation: one, number: 1 }, signing).replace(/\.[^.]{8}/, '.eyJhIjox'))).not.toBe(
      'taken',
    );
    const claims = { iss: issuer, iat: second, toe: second, jti: 'id', events: {} };
    for (const typ of ['at+jwt', 'JWT', undefined]) {
      expect(refusal(signJwt({ ...(typ === undefined ? {} : { typ }), kid: key.kid }, claims, key))).toMatch(
        /not a sec/,
      );
    }
    const set = { typ: 'secevent+jwt', kid: key.kid };
    expect(refusal(signJwt(set, claims, key))).toBe('not one event');
    expect(refusal(signJwt(set, { ...claims, events: { 'urn:x': {} } }, key))).toBe('an unknown event');
    expect(refusal(signJwt(set, { ...claims, events: { toString: {} } }, key))).toBe('an unknown event');
    expect(refusal(signDigest({ number: 1, at: second, entries: 0, digest: 'x'.repeat(43) }, signing))).toMatch(
      /an unknown event/,
    );
    expect(refusal(signStatement({ revocation: one, number: 1 }, signing), now - 61_000)).toBe('made in the future');
  });

  it('demands no more than its kind requires', () => {
    const tooLong: readonly Revocation[] = [
      { kind: 'token', tokenId: 'one', until: second + 961 },
      { kind: 'transaction', txn: 'one', until: second + 961 },
      { kind: 'client', clientId: 'shop', issuedBefore: second + 61, until: second + 900 },
      { kind: 'client', clientId: 'shop', issuedBefore: second, until: second + 901 },
      { kind: 'subject', subject: 'ada', issuedBefore: 4_102_444_800, until: 4_102_445_700 },
      { kind: 'key', keyId: 'k', until: second + 30 * 86_400 + 61 },
    ];
    for (const revocation of tooLong) {
      expect([revocation, refusal(signStatement({ revocation: revocation, number: 1 }, signing))]).toEqual([
        revocation,
        'lasts longer than its kind can need',
      ]);
    }
  });

  it('that is malformed has its own kind of error, never another', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), fc.constant('a.b.c')), (text) => {
        expect(() => readStatement(text, issuer, keys, now)).toThrow(StatementError);
        expect(() => readDigest(text, issuer, keys, now)).toThrow(StatementError);
      }),
    );
  });

  it('of the whole list is read as it was made', () => {
    const digest = { number: 7, at: second, entries: 3, digest: 'A'.repeat(43) };
    expect(readDigest(signDigest(digest, signing), issuer, keys, now)).toEqual(digest);
    const one = signStatement(
      { revocation: { kind: 'token', tokenId: 'one', until: second + 300 }, number: 1 },
      signing,
    );
    expect(() => readDigest(one, issuer, keys, now)).toThrow(StatementError);
  });

  it('may be signed by a service that holds the key and answers later', async () => {
    const { kid, alg, sign } = localSigner(key);
    const kms = { kid, alg, sign: (input: Buffer) => Promise.resolve(sign(input)) };
    const revocation = { kind: 'token', tokenId: 'one', until: second + 300 } as const;
    const text = await signStatement({ revocation, number: 1 }, { ...signing, key: kms });
    expect(readStatement(text, issuer, keys, now)).toEqual({ revocation, number: 1, madeAt: now });
    const digest = { number: 7, at: second, entries: 3, digest: 'A'.repeat(43) };
    expect(readDigest(await signDigest(digest, { ...signing, key: kms }), issuer, keys, now)).toEqual(digest);
  });
});
