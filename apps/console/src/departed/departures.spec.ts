import { type FoundEvent } from '../api/events.js';
import { departureOf, departuresOf } from './departures.js';

const found = (
  index: number,
  action: string,
  resource: string,
  outcome: 'allowed' | 'denied' = 'allowed',
): FoundEvent => ({
  log_index: String(index),
  received_at: '2026-11-01T00:00:00Z',
  event: {
    ...{ id: 'e', source: 'issuer', type: 't', subject: resource, sequence: '1' },
    time: `2026-11-${String(index).padStart(2, '0')}T00:00:00.000Z`,
    data: { principal: null, txn: null, action, resource, outcome },
  },
});
const by = (more: object) => ({ subject: 'person:a', client_id: 'shop', actors: [], scopes: [], jti: 'j', ...more });

describe('who has departed', () => {
  it('is a person or client that was disabled, and a key that was disabled or revoked', () => {
    const departures = departuresOf([
      found(3, 'api-key:revoke', 'api-key/k'),
      found(2, 'client:disable', 'client/shop'),
      found(1, 'person:disable', 'person/person:a'),
    ]);
    expect(departureOf(by({ client_id: 'other' }), departures)).toMatchObject({ how: 'disabled', index: '1' });
    expect(departureOf(by({ subject: 'b' }), departures)).toMatchObject({ index: '2' });
    expect(departureOf(by({ api_key: { id: 'k', name: 'till' } }), departures)).toMatchObject({ how: 'revoked' });
    expect(departureOf(by({ subject: 'b', client_id: 'c', actors: ['x', 'shop'] }), departures)?.index).toBe('2');
    expect(departureOf(by({ subject: 'b', client_id: 'c' }), departures)).toBeUndefined();
  });

  it('has come back when enabled later, but never a key that was revoked; what was refused changes nothing', () => {
    const departures = departuresOf([
      found(1, 'client:disable', 'client/shop'),
      found(2, 'client:enable', 'client/shop'),
      found(3, 'client:disable', 'client/other', 'denied'),
      found(4, 'api-key:revoke', 'api-key/k'),
      found(5, 'api-key:enable', 'api-key/k'),
    ]);
    expect([...departures.keys()]).toEqual(['api-key/k']);
  });
});
