import { MemoryRevocationList, revokedName, type Principal, type Revocation } from '@countersign/auth-core';
import fc from 'fast-check';
import { bucketKeyOf, bucketKeysAgainst } from './revocation.js';

const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,128}$/);
const seconds = fc.integer({ min: 1, max: 253_402_300_799 });
const revocations: fc.Arbitrary<Revocation> = fc.oneof(
  fc.record({ kind: fc.constant('token' as const), tokenId: id, until: seconds }),
  fc.record({ kind: fc.constant('transaction' as const), txn: id, until: seconds }),
  fc.record({ kind: fc.constant('key' as const), keyId: id, until: seconds }),
  fc.record({ kind: fc.constant('api-key' as const), apiKeyId: id, issuedBefore: seconds, until: seconds }),
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

describe('the key of an entry', () => {
  it('is valid for NATS, and unique', () => {
    fc.assert(
      fc.property(revocations, revocations, (revocation, other) => {
        const key = bucketKeyOf(revocation);
        fc.pre(key.length < 700);
        expect(key).toMatch(/^[a-z-]+\.[A-Za-z0-9_-]+$/);
        const isSame = revocation.kind === other.kind && revokedName(revocation) === revokedName(other);
        expect(bucketKeyOf(other) === key).toBe(isSame);
      }),
    );
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
      apiKey: fc.option(
        name.map((id) => ({ id, name: 'a key', networks: [] })),
        { nil: undefined },
      ),
      actors: fc.array(fc.oneof(fc.record({ subject: name }), fc.record({ subject: name, clientId: name }))),
    })
    .map((named) => ({
      ...named,
      scopes: new Set<string>(),
      audience: 'orders',
      issuer: 'https://issuer.test',
      roles: [],
      amr: [],
      kind: 'service',
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
      name.map((apiKeyId): Revocation => ({ kind: 'api-key', apiKeyId, issuedBefore, until })),
    ]),
    fc.record({ kind: fc.constant('key' as const), keyId: name, until: fc.constant(until) }),
  );

  it('are those of exactly the entries that would refuse it in memory, if it was issued in time', () => {
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
