import { type Principal } from './principal.js';
import { MemoryRevocationList } from './revocation-list.js';

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
  issuedAt: 1_000,
  expiresAt: 1_300,
};

describe('the list of revocations', () => {
  it('refuses a token by its id, its client, its subject or its key, and those issued later not', () => {
    const refusals: readonly ((list: MemoryRevocationList) => void)[] = [
      (list) => {
        list.revokeToken('one', 1_300);
      },
      (list) => {
        list.revokeClient('shop', 1_000);
      },
      (list) => {
        list.revokeSubject('ada', 1_000);
      },
      (list) => {
        list.revokeKey('k');
      },
    ];
    for (const revoke of refusals) {
      const list = new MemoryRevocationList();
      expect(list.isRevoked(principal, 'k')).toBe(false);
      revoke(list);
      expect(list.isRevoked(principal, 'k')).toBe(true);
    }
    const list = new MemoryRevocationList();
    list.revokeClient('shop', 999);
    list.revokeSubject('ada', 999);
    expect(list.isRevoked(principal, 'k')).toBe(false);
  });

  it('forgets an entry of each kind once it no longer matters, and not before', () => {
    const list = new MemoryRevocationList();
    list.revokeToken('one', 1_300);
    list.revokeClient('shop', 1_000, 1_300);
    list.revokeSubject('ada', 1_000, 1_300);
    list.revokeKey('k', 1_300);
    list.prune(1_305);
    expect(list.size).toBe(4);
    list.prune(1_361);
    expect(list.size).toBe(0);
  });

  it('says that it is full instead of leaving one out, and has room again for what comes after', () => {
    const list = new MemoryRevocationList(2);
    list.revokeToken('one', 1_300);
    list.revokeClient('shop', 1_000);
    list.revokeToken('one', 1_400);
    expect(() => {
      list.revokeKey('k');
    }).toThrow(RangeError);
    expect(() => {
      list.revokeSubject('bob', 1);
    }).toThrow(RangeError);
    list.prune(2_000);
    list.revokeKey('k');
    expect(list.size).toBe(2);
  });
});
