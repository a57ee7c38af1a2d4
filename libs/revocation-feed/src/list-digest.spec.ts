import { type Revocation } from '@countersign/auth-core';
import fc from 'fast-check';
import { ListDigest } from './list-digest.js';
import { bucketKeyOf } from './revocation.js';

const now = 1_000;
const name = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
const until = fc.integer({ min: 900, max: 1_100 });
const revocation: fc.Arbitrary<Revocation> = fc.oneof(
  fc.record({ kind: fc.constant('token' as const), tokenId: name, until }),
  fc.record({ kind: fc.constant('transaction' as const), txn: name, until }),
  fc.record({ kind: fc.constant('client' as const), clientId: name, issuedBefore: until, until }),
  fc.record({ kind: fc.constant('key' as const), keyId: name, until }),
);
const list = fc.array(revocation, { maxLength: 30 });

function digestOf(revocations: readonly Revocation[], numberOf = (index: number) => index + 1): ListDigest {
  const digest = new ListDigest();
  revocations.forEach((one, index) => {
    digest.add(one, numberOf(index));
  });
  return digest;
}

describe('the digest of a list', () => {
  it('is the same whatever the order, however often an entry came, and whatever was counted between', () => {
    fc.assert(
      fc.property(list, fc.nat(30), (revocations, half) => {
        const wanted = digestOf(revocations).of(revocations.length, now);
        const other = new ListDigest();
        for (const [index, one] of [...revocations.entries()].toReversed()) {
          other.add(one, index + 1);
          other.add(one, index + 1);
        }
        other.of(half, now - 50);
        expect(other.of(revocations.length, now)).toEqual(wanted);
        expect(other.agreesWith(wanted)).toBe(true);
      }),
    );
  });

  it('tells when one entry that matters is missing, or lasts otherwise', () => {
    fc.assert(
      fc.property(list, revocation, (revocations, one) => {
        fc.pre(one.until >= now);
        const others = revocations.filter((other) => bucketKeyOf(other) !== bucketKeyOf(one));
        const stated = digestOf([...others, one]).of(31, now);
        expect(digestOf(others).agreesWith(stated)).toBe(false);
        expect(digestOf([...others, { ...one, until: one.until + 1 }]).agreesWith(stated)).toBe(false);
      }),
    );
  });

  it('counts nothing that is newer than the statement, and nothing that has ended by its time', () => {
    fc.assert(
      fc.property(list, list, (counted, newer) => {
        const stated = digestOf(counted).of(counted.length, now);
        const more = digestOf([...counted, ...newer]);
        expect(more.agreesWith(stated)).toBe(true);
        const ended = counted.filter((one) => one.until < now);
        expect(digestOf(ended).of(counted.length, now).entries).toBe(0);
      }),
    );
  });
});
