import { changesOf, isMasked, valueText } from './changes.js';

describe('the changes of an event', () => {
  it('show before and after side by side, of objects only what differs', () => {
    expect(
      changesOf({
        roles: { before: null, after: ['auditor'] },
        policy: { before: { scopes: ['a'], name: 'x' }, after: { scopes: ['a', 'b'], name: 'x' } },
        note: 'said',
        amount: { amount: '1999', currency: 'EUR' },
      }),
    ).toEqual([
      { kind: 'changed', path: 'roles', before: null, after: ['auditor'] },
      { kind: 'changed', path: 'policy.scopes', before: ['a'], after: ['a', 'b'] },
      { kind: 'said', path: 'note', value: 'said' },
      { kind: 'said', path: 'amount.amount', value: '1999' },
      { kind: 'said', path: 'amount.currency', value: 'EUR' },
    ]);
  });

  it('say what was added and what is gone', () => {
    const [gone, added] = changesOf({ it: { before: { a: 1 }, after: { b: 2 } } });
    expect([gone, added]).toEqual([
      { kind: 'changed', path: 'it.a', before: 1, after: undefined },
      { kind: 'changed', path: 'it.b', before: undefined, after: 2 },
    ]);
    expect(valueText(undefined)).toBe('(not there)');
  });

  it('stop at a depth, whatever is nested', () => {
    const deep = JSON.parse('{"a":'.repeat(200) + '1' + '}'.repeat(200)) as Record<string, unknown>;
    expect(changesOf(deep)).toHaveLength(1);
  });

  it('know a commitment from a value', () => {
    expect([isMasked('masked:abc'), isMasked('unmasked:abc'), isMasked(7)]).toEqual([true, false, false]);
  });
});
