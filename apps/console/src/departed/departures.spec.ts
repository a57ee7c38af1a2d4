import { namesOf } from './departures.js';

const by = (more: object) => ({ subject: 'person:a', client_id: 'shop', actors: [], scopes: [], jti: 'j', ...more });

describe('who may have departed', () => {
  it('is the key, the subject, the client and those who acted, each once, the key first', () => {
    expect(namesOf(by({}))).toEqual(['person/person:a', 'client/person:a', 'client/shop']);
    const all = by({ subject: 'shop', actors: ['payments', 'shop'], api_key: { id: 'k', name: 'till' } });
    expect(namesOf(all)).toEqual(['api-key/k', 'person/shop', 'client/shop', 'client/payments']);
  });

  it('is nobody whose name is empty or longer than any that is asked about', () => {
    expect(namesOf(by({ subject: '', client_id: 'W'.repeat(600) }))).toEqual([]);
  });
});
