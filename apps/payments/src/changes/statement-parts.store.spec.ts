import { insertPart, oneStatement, updatePart } from './statement-parts.store.js';

describe('a change', () => {
  it('is one statement, with values in the order of their placeholders', () => {
    const { name, text, values } = oneStatement([
      insertPart('audit_outbox', { id: 'e', event: '{}' }),
      updatePart('payment', { id: 'p', version: 3 }, { status: 'settled', version: 4 }),
    ]);
    expect(name).toMatch(/^change_\d+$/);
    expect(text).toBe(
      'with p0 as (insert into audit_outbox (id, event) values ($1, $2)), ' +
        'p1 as (update payment set status = $3, version = $4 where id = $5 and version = $6 returning 1) ' +
        'select require_current(exists (select 1 from p1))',
    );
    expect(values).toEqual(['e', '{}', 'settled', 4, 'p', 3]);
  });

  it('reports whether a part changed a row, if it wants to know', () => {
    const part = { write: () => 'insert into webhook_delivery select 1', changed: () => undefined };
    expect(oneStatement([part]).text).toBe(
      'with p0 as (insert into webhook_delivery select 1 returning 1) select exists (select 1 from p0) as p0',
    );
    expect(oneStatement([{ ...part, mustMatch: true }]).text).toMatch(
      / select require_current\(exists \(select 1 from p0\)\), exists \(select 1 from p0\) as p0$/,
    );
  });

  it('has the same name whenever it has the same text, and otherwise another', () => {
    const change = (id: string, row: object) =>
      oneStatement([updatePart('payment', { id, version: 1 }, { ...row })]).name;
    expect(change('a', { status: 'held' })).toBe(change('b', { status: 'settled' }));
    expect(change('a', { status: 'held' })).not.toBe(change('a', { failure: 'held' }));
  });
});
