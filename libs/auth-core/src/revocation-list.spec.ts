import fc from 'fast-check';
import { type Principal } from './principal.js';
import { issuedAtOf, MemoryRevocationList } from './revocation-list.js';
import { type Revocation } from './revocation.js';

const principal: Principal = {
  subject: 'ada',
  clientId: 'shop',
  actors: [{ subject: 'payments', clientId: 'payments-eu' }, { subject: 'gateway' }],
  scopes: new Set(),
  audience: 'orders',
  issuer: 'https://issuer.test',
  tokenId: 'one',
  txn: 'first',
  roles: [],
  amr: [],
  kind: 'service',
  apiKey: { id: 'an-id', name: 'catalogue', networks: [] },
  issuedAt: 1_000,
  expiresAt: 1_300,
};
const until = 1_300;

/** A UUIDv7 for a time in milliseconds. */
function uuidv7(ms: number): string {
  const time = ms.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-000000000000`;
}

describe('the list of revocations', () => {
  it.each<Revocation>([
    { kind: 'token', tokenId: 'one', until },
    { kind: 'transaction', txn: 'first', until },
    { kind: 'client', clientId: 'shop', issuedBefore: 1_000, until },
    { kind: 'client', clientId: 'ada', issuedBefore: 1_000, until },
    { kind: 'client', clientId: 'payments', issuedBefore: 1_000, until },
    { kind: 'client', clientId: 'payments-eu', issuedBefore: 1_000, until },
    { kind: 'client', clientId: 'gateway', issuedBefore: 1_000, until },
    { kind: 'subject', subject: 'ada', issuedBefore: 1_000, until },
    { kind: 'subject', subject: 'payments', issuedBefore: 1_000, until },
    { kind: 'subject', subject: 'gateway', issuedBefore: 1_000, until },
    { kind: 'api-key', apiKeyId: 'an-id', issuedBefore: 1_000, until },
    { kind: 'key', keyId: 'k', until },
  ])(
    'refuses a token by $kind, wherever it contains what is revoked, and forgets the entry in time: $#',
    (revocation) => {
      const list = new MemoryRevocationList();
      expect(list.isRevoked(principal, 'k')).toBe(false);
      list.add(revocation);
      expect(list.isRevoked(principal, 'k')).toBe(true);
      list.prune(until + 5);
      expect(list.size).toBe(1);
      list.prune(until + 61);
      expect([list.size, list.isRevoked(principal, 'k')]).toEqual([0, false]);
    },
  );

  it.each<Revocation>([
    { kind: 'token', tokenId: 'first', until },
    { kind: 'transaction', txn: 'one', until },
    { kind: 'client', clientId: 'shop', issuedBefore: 999, until },
    { kind: 'client', clientId: 'orders', issuedBefore: 2_000, until },
    { kind: 'subject', subject: 'gateway', issuedBefore: 999, until },
    { kind: 'subject', subject: 'shop', issuedBefore: 2_000, until },
    { kind: 'api-key', apiKeyId: 'an-id', issuedBefore: 999, until },
    { kind: 'api-key', apiKeyId: 'catalogue', issuedBefore: 2_000, until },
    { kind: 'key', keyId: 'one', until },
  ])('does not refuse a token that was issued later, or has the same name in another claim: $#', (revocation) => {
    const list = new MemoryRevocationList();
    list.add(revocation);
    expect(list.isRevoked(principal, 'k')).toBe(false);
  });

  it('accepts a token that was issued in the same second as the revocation, but after it', () => {
    const list = new MemoryRevocationList();
    list.add({ kind: 'client', clientId: 'shop', issuedBefore: 1_000.4, until });
    const at = (tokenId: string) => list.isRevoked({ ...principal, tokenId }, 'k');
    expect([at(uuidv7(1_000_399)), at(uuidv7(1_000_400)), at(uuidv7(1_000_401))]).toEqual([true, true, false]);
    // `iat` alone cannot tell, so it is refused.
    expect(at('not-a-uuid')).toBe(true);
  });

  it('uses the time in a `jti` only if it agrees with `iat`', () => {
    const at = (ms: number) => issuedAtOf({ ...principal, tokenId: uuidv7(ms) });
    expect([at(999_999), at(1_000_000), at(1_005_250), at(1_015_001)]).toEqual([1_000, 1_000, 1_005.25, 1_000]);
    expect(issuedAtOf({ ...principal, tokenId: uuidv7(1_000_250).replace('-7', '-4') })).toBe(1_000);
  });

  it('does not depend on the order of entries, and only ever extends', () => {
    const name = fc.constantFrom('shop', 'ada', 'one', 'first', 'k', 'gateway');
    const seconds = fc.integer({ min: 900, max: 1_100 });
    const revocation: fc.Arbitrary<Revocation> = fc.oneof(
      fc.record({ kind: fc.constant('token' as const), tokenId: name, until: seconds }),
      fc.record({ kind: fc.constant('transaction' as const), txn: name, until: seconds }),
      fc.record({ kind: fc.constant('client' as const), clientId: name, issuedBefore: seconds, until: seconds }),
      fc.record({ kind: fc.constant('subject' as const), subject: name, issuedBefore: seconds, until: seconds }),
      fc.record({ kind: fc.constant('key' as const), keyId: name, until: seconds }),
    );
    fc.assert(
      fc.property(fc.array(revocation), seconds, seconds, (revocations, issuedAt, now) => {
        const [one, other] = [new MemoryRevocationList(), new MemoryRevocationList()];
        for (const each of revocations) one.add(each);
        for (const each of revocations.toReversed()) other.add(each);
        const asked = { ...principal, issuedAt };
        const single = revocations.some((each) => {
          const list = new MemoryRevocationList();
          list.add(each);
          return list.isRevoked(asked, 'k');
        });
        expect([one.isRevoked(asked, 'k'), other.isRevoked(asked, 'k')]).toEqual([single, single]);
        one.prune(now);
        other.prune(now);
        expect(one.size).toBe(other.size);
      }),
    );
  });

  it('reports that it is full instead of dropping an entry, and has space again after pruning', () => {
    const list = new MemoryRevocationList(2);
    list.add({ kind: 'token', tokenId: 'one', until });
    list.add({ kind: 'client', clientId: 'shop', issuedBefore: 1_000, until: Infinity });
    list.add({ kind: 'token', tokenId: 'one', until: 1_400 });
    expect(() => {
      list.add({ kind: 'key', keyId: 'k', until });
    }).toThrow(RangeError);
    list.prune(2_000);
    list.add({ kind: 'key', keyId: 'k', until });
    expect(list.size).toBe(2);
  });
});
