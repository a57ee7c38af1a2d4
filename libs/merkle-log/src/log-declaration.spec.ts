import { logDeclarationOf } from './log-declaration.js';

const declared = (name: string, changes?: unknown, source = 'audit') =>
  logDeclarationOf({ source, type: `countersign.audit.${name}.v1`, data: { changes } });

describe('what the log declares about its entries', () => {
  it('accounts for the number of a dead letter and for the numbers of an accepted gap', () => {
    expect(declared('dead-letter.kept', { source: 'payments', sequence: '7' })).toEqual({
      accountsFor: { source: 'payments', first: 7n, last: 7n },
    });
    expect(declared('gap.accepted', { source: 'payments', first: '812', last: '815', reason: 'disk 3' })).toEqual({
      accountsFor: { source: 'payments', first: 812n, last: 815n },
    });
  });

  it('names what a restore lost', () => {
    expect(declared('entry.lost')).toEqual({ lost: true });
    expect(declared('log.recovered', { first_index: '0', end_index: '90', lost_entries: 2 })).toEqual({
      restored: { first: 0, end: 90, lost: 2 },
    });
  });

  it.each([
    ['dead-letter.kept', { source: 'payments', sequence: 7 }],
    ['dead-letter.kept', { source: 'payments', sequence: '0' }],
    ['dead-letter.kept', { sequence: '7' }],
    ['dead-letter.kept', null],
    ['gap.accepted', { source: 'payments', first: '812' }],
    ['gap.accepted', { source: 'payments', first: '812', last: '1e3' }],
    ['log.recovered', { first_index: '0', end_index: '90', lost_entries: -1 }],
    ['log.recovered', { first_index: 0, end_index: 90, lost_entries: 1 }],
    ['log.recovered', Object.create({ first_index: '0', end_index: '90', lost_entries: 2 })],
    ['events.searched', { source: 'payments', sequence: '7' }],
  ])('states nothing by %s with %j', (name, changes) => {
    expect(declared(name, changes)).toEqual({});
  });

  it('is declared by audit only', () => {
    expect(declared('dead-letter.kept', { source: 'payments', sequence: '7' }, 'payments')).toEqual({});
    expect(declared('entry.lost', undefined, 'payments')).toEqual({});
  });
});
