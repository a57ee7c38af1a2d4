import { endOf, namesOf, type Departure } from './departures.js';

const by = (more: object) => ({ subject: 'person:a', client_id: 'shop', actors: [], scopes: [], jti: 'j', ...more });

describe('who may have departed', () => {
  it('is the key, the subject, the client and those who acted, each once, the key first', () => {
    expect(namesOf(by({}))).toEqual(['person/person:a', 'client/person:a', 'client/shop']);
    const all = by({ subject: 'shop', actors: ['payments', 'shop'], api_key: { id: 'k', name: 'till' } });
    expect(namesOf(all)).toEqual(['api-key/k', 'person/shop', 'client/shop', 'client/payments']);
  });

  it('is nobody whose name is empty or too long to look up', () => {
    expect(namesOf(by({ subject: '', client_id: 'W'.repeat(600) }))).toEqual([]);
  });
});

it('is unknown, not denied, if it could not be looked up', () => {
  const gone: Departure = { resource: 'client/shop', how: 'disabled', at: '2026-11-26T10:00:00Z' };
  const [there, left] = [
    { data: null, error: null },
    { data: gone, error: null },
  ];
  const failed = { data: undefined, error: new Error('away') };
  expect(endOf([there, there])).toBeUndefined();
  expect(endOf([there, left, failed])).toBe(gone);
  expect(endOf([there, failed])).toBe('unknown');
  // Awaited, or asked before and not again.
  expect(
    endOf([
      { data: undefined, error: null },
      { ...there, error: new Error('away') },
    ]),
  ).toBeUndefined();
});
