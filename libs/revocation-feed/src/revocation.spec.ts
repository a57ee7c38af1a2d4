import { MemoryRevocationList, type Principal, type Revocation } from '@countersign/auth-core';
import fc from 'fast-check';
import { bucketKeyOf, bucketKeysAgainst, bucketValueOf, parseRevocation } from './revocation.js';

const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,128}$/);
const seconds = fc.integer({ min: 1, max: 253_402_300_799 });
const revocations: fc.Arbitrary<Revocation> = fc.oneof(
  fc.record({ kind: fc.constant('token' as const), tokenId: id, until: seconds }),
  fc.record({ kind: fc.constant('transaction' as const), txn: id, until: seconds }),
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

describe('the keys of what could refuse a token', () => {
  const name = fc.constantFrom('shop', 'ada', 'payments', 'one', 'k');
  const principals: fc.Arbitrary<Principal> = fc
    .record({
      subject: name,
      clientId: name,
      tokenId: name,
      txn: name,
      actors: fc.array(fc.oneof(fc.record({ subject: name }), fc.record({ subject: name, clientId: name }))),
    })
    .map((named) => ({
      ...named,
      scopes: new Set<string>(),
      audience: 'orders',
      issuer: 'https://issuer.test',
      roles: [],
      issuedAt: 1_000,
      expiresAt: 1_300,
    }));
  const until = 1_300;
  const named: fc.Arbitrary<Revocation> = fc.oneof(
    fc.record({ kind: fc.constant('token' as const), tokenId: name, until: fc.constant(until) }),
    fc.record({ kind: fc.constant('transaction' as const), txn: name, until: fc.constant(until) }),
    ...([1_000, 999] as const).flatMap((issuedBefore) => [
      name.map((clientId): Revocation => ({ kind: 'client', clientId, issuedBefore, until })),
      name.map((subject): Revocation => ({ kind: 'subject', subject, issuedBefore, until })),
    ]),
    fc.record({ kind: fc.constant('key' as const), keyId: name, until: fc.constant(until) }),
  );

  it('are those of exactly the entries that refuse it in memory, were it issued in time', () => {
    fc.assert(
      fc.property(principals, named, (principal, revocation) => {
        const list = new MemoryRevocationList();
        list.add(revocation);
        const inTime = 'issuedBefore' in revocation ? revocation.issuedBefore >= principal.issuedAt : true;
        const found = bucketKeysAgainst(principal, 'k').has(bucketKeyOf(revocation));
        expect(list.isRevoked(principal, 'k')).toBe(found && inTime);
      }),
    );
  });
});
