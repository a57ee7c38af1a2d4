import { defineEvents, type UnnumberedEvent } from '@countersign/audit-event';
import { eventFaults, outboxData } from './event-faults.js';

const catalogue = defineEvents({
  source: 'orders',
  kinds: { order: 'UUIDv7' },
  events: {
    'order.sent': { when: 'It left.', action: 'orders:send', resource: 'order', changes: { to: 'where' } },
    'order.expired': { when: 'Nobody paid.', action: 'orders:send', resource: 'order', principal: 'never' },
  },
});
const principal = { subject: 'ada', client_id: 'shop', actors: [], scopes: ['orders:send'], jti: 'j' };
const expired = { type: 'countersign.orders.order.expired.v1' };
const id = '01a21c83-cd53-7867-8886-2c813dccbba4';

function event(parts: Partial<UnnumberedEvent> = {}, data: Partial<UnnumberedEvent['data']> = {}): UnnumberedEvent {
  return {
    specversion: '1.0',
    id,
    source: 'orders',
    type: 'countersign.orders.order.sent.v1',
    time: '2026-11-27T10:00:00.000Z',
    subject: data.resource ?? `order/${id}`,
    datacontenttype: 'application/json',
    ...parts,
    data: {
      principal,
      txn: id,
      action: 'orders:send',
      resource: `order/${id}`,
      outcome: 'allowed',
      request: { method: 'POST', route: '/orders', id, peer: '192.0.2.1' },
      ...data,
    },
  };
}

describe('the faults of an event', () => {
  it.each([
    ['that is as declared', event({}, { changes: { to: 'Ghent' } }), []],
    ['of the guard', event({ type: 'countersign.orders.requests.refused.v1' }, { action: 'route:call' }), []],
    ['of several requests', event({}, { txn: null, request: { method: '', route: '', id: 'several', peer: '' } }), []],
    ['of another type', event({ type: 'countersign.orders.order.lost.v1' }), ['its type is not in the catalogue']],
    ['of another action', event({}, { action: 'orders:eat' }), ['the action orders:eat is not declared']],
    ['of another kind', event({}, { resource: `cat/${id}` }), ['the kind cat is not declared']],
    ['that says more', event({}, { changes: { by: 'air' } }), ['changes.by is not declared']],
    ['that names nobody', event({}, { principal: null }), ['it has no principal']],
    ['that never names anybody', event(expired, { principal: null }), []],
    ['that names somebody after all', event(expired), ['it has a principal']],
    ['about another subject', event({ subject: id }), [`its subject is ${id}, its resource order/${id}`]],
    ['about nothing', event({}, { resource: 'order' }), ['the resource order is not <kind>/<id>']],
    [
      'with an id in capitals',
      event({}, { resource: `order/${id.toUpperCase()}` }),
      [`the id ${id.toUpperCase()} is not in canonical form`],
    ],
    ['of a request without a transaction', event({}, { txn: null }), ['it has a request and no txn']],
    ['of a denial without a reason', event({}, { outcome: 'denied' }), ['it is denied and has no reason']],
  ])('%s', (_, made, faults) => {
    expect(eventFaults(made, catalogue)).toEqual(faults.map((fault) => `${made.type}: ${fault}`));
  });
});

describe('the events of an outbox', () => {
  it('of one type are read in their order, whatever else is there', async () => {
    const refused = event({ type: 'countersign.orders.requests.refused.v1' }, { action: 'route:call' });
    const sent = ['Ghent', 'Bruges'].map((to) => event({}, { changes: { to } }));
    const rows = [sent[0], refused, sent[1]].map((one) => ({ event: one }));
    const database = { query: () => Promise.resolve({ rows }) };
    const data = await outboxData(database, catalogue, 'order.sent');
    expect(data.map(({ changes }) => changes)).toEqual([{ to: 'Ghent' }, { to: 'Bruges' }]);
    expect(await outboxData(database, catalogue, 'requests.refused')).toHaveLength(1);
    await expect(
      outboxData({ query: () => Promise.resolve({ rows: [{}] }) }, catalogue, 'order.sent'),
    ).rejects.toThrow();
  });
});
