import fc from 'fast-check';
import { clientWide, isWithin, originatorOf, ownerOf, reachOf } from './ownership.js';

const caller = (subject: string, clientId: string, ...scopes: string[]) => ({
  subject,
  clientId,
  scopes: new Set(scopes),
});

describe('ownership', () => {
  const names = fc.constantFrom('alice', 'bob', 'gateway', 'shop', '');
  const callers = fc
    .record({
      subject: names,
      clientId: names,
      scopes: fc.subarray(['orders:read', 'orders:read:client', 'orders:write']),
    })
    .map(({ scopes, ...rest }) => ({ ...rest, scopes: new Set<string>(scopes) }));

  it('belongs to the subject, whichever client is used', () => {
    const owner = ownerOf(caller('alice', 'gateway'));
    expect(owner).toEqual({ subject: 'alice', clientId: 'gateway' });
    expect(isWithin(reachOf(caller('alice', 'shop', 'orders:read'), 'orders:read'), owner)).toBe(true);
    expect(isWithin(reachOf(caller('bob', 'gateway', 'orders:read'), 'orders:read'), owner)).toBe(false);
  });

  it('is part of the originator of what a caller causes, with its actors, newest first, and its transaction', () => {
    const through = { actors: [{ subject: 'gateway' }, { subject: 'shop' }], txn: 'txn-1' };
    expect(originatorOf({ ...caller('alice', 'gateway'), ...through })).toEqual({
      ...ownerOf(caller('alice', 'gateway')),
      actors: ['gateway', 'shop'],
      txn: 'txn-1',
    });
  });

  it('extends to a client’s other subjects only with the client-wide scope', () => {
    const owner = ownerOf(caller('alice', 'gateway'));
    const wide = clientWide('orders:read');
    expect(wide).toBe('orders:read:client');
    expect(isWithin(reachOf(caller('gateway', 'gateway', wide), 'orders:read'), owner)).toBe(true);
    expect(isWithin(reachOf(caller('gateway', 'gateway', wide), 'orders:write'), owner)).toBe(false);
    expect(isWithin(reachOf(caller('shop', 'shop', wide), 'orders:read'), owner)).toBe(false);
  });

  it('never opens one subject’s objects to another without the client-wide scope, and never closes its own', () => {
    fc.assert(
      fc.property(callers, callers, (maker, asker) => {
        const within = isWithin(reachOf(asker, 'orders:read'), ownerOf(maker));
        if (maker.subject === asker.subject) expect(within).toBe(true);
        else expect(within).toBe(maker.clientId === asker.clientId && asker.scopes.has('orders:read:client'));
      }),
    );
  });

  it('of an object without a client is its subject’s only', () => {
    const reach = reachOf(caller('gateway', 'gateway', 'orders:read:client'), 'orders:read');
    expect(isWithin(reach, { subject: 'alice' })).toBe(false);
    expect(isWithin({ subject: 'gateway' }, { subject: 'alice' })).toBe(false);
  });
});
