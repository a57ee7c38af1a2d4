import { type Revocation } from '@countersign/auth-core';
import fc from 'fast-check';
import { ListDigest } from './list-digest.js';
import { bucketKeyOf } from './revocation.js';
import { type ListedRevocation } from './statement.js';

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
    digest.add({ revocation: one, number: numberOf(index) });
  });
  return digest;
}

describe('the digest of a list', () => {
  it('is the same whatever the order, however often an entry arrived, and whatever was counted in between', () => {
    fc.assert(
      fc.property(list, fc.nat(30), (revocations, half) => {
        const wanted = digestOf(revocations).of(revocations.length, now);
        const other = new ListDigest();
        for (const [index, one] of [...revocations.entries()].toReversed()) {
          other.add({ revocation: one, number: index + 1 });
          other.add({ revocation: one, number: index + 1 });
        }
        other.of(half, now - 50);
        expect(other.of(revocations.length, now)).toEqual(wanted);
        expect(other.agreesWith(wanted)).toBe(true);
      }),
    );
  });

  it('detects when a relevant entry is missing, or has another expiry', () => {
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

  it('counts nothing newer than the statement, and nothing expired by its time', () => {
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

  it('is the same if a client’s entry has replaced those of its tokens, whether they arrived before, after or never', () => {
    const holder = fc.constantFrom('shop', 'app');
    const entry = fc.oneof(
      fc.record({ jti: name, holder, until: fc.integer({ min: now, max: 1_100 }) }),
      fc.record({ replacing: holder }),
    );
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 30 }), (entries) => {
        const seen = new Set<string>();
        const listed = entries.flatMap((one, index): readonly ListedRevocation[] => {
          const number = index + 1;
          if ('replacing' in one) {
            const client = { kind: 'client', clientId: one.replacing, issuedBefore: now, until: 1_900 } as const;
            return [{ revocation: client, number, replaces: number }];
          }
          if (seen.has(one.jti)) return [];
          seen.add(one.jti);
          return [{ revocation: { kind: 'token', tokenId: one.jti, until: one.until }, number, holder: one.holder }];
        });
        const isReplaced = ({ holder: whose, number }: ListedRevocation) =>
          listed.some(
            ({ replaces, revocation: by }) =>
              by.kind === 'client' && by.clientId === whose && replaces !== undefined && replaces >= number,
          );
        const digestIn = (order: readonly ListedRevocation[]) => {
          const digest = new ListDigest();
          for (const one of order) {
            digest.add(one);
            digest.of(one.number, now);
          }
          return digest.of(100, now);
        };
        const wanted = digestIn(listed.filter((one) => !isReplaced(one)));
        expect(digestIn(listed)).toEqual(wanted);
        expect(digestIn(listed.toReversed())).toEqual(wanted);
      }),
    );
  });
});
