import {
  catalogueToMarkdown,
  completeEvent,
  defineEvents,
  EVERY,
  type EventContext,
  type NewAuditEvent,
} from './index.js';

const orders = defineEvents({
  source: 'orders',
  kinds: { order: 'UUIDv7', parcel: 'its number' },
  events: {
    'order.placed': {
      when: 'An order was placed.',
      action: 'orders:create',
      resource: 'order',
      changes: { total: 'the amount' },
    },
    'order.read': { when: 'An order was shown.', action: ['orders:read', 'orders:read:client'], resource: 'order' },
    'thing.sent': {
      when: 'Something left.',
      action: 'orders:send',
      resource: ['order', 'parcel'],
      principal: 'sometimes',
    },
    'order.expired': { when: 'Nobody paid.', action: 'orders:expire', resource: 'order', principal: 'never' },
  },
});
const ada: EventContext = {
  principal: { subject: 'ada', client_id: 'shop', actors: [], scopes: ['orders:create'], jti: 'j' },
  txn: 't',
};

describe('a catalogue of events', () => {
  it('makes an event whose subject is its resource, of kind and id', () => {
    const event = orders.event('order.placed', ada, { id: '7', changes: { total: '1' } });
    expect(event).toEqual({
      type: 'countersign.orders.order.placed.v1',
      subject: 'order/7',
      traceparent: undefined,
      data: { ...ada, action: 'orders:create', resource: 'order/7', outcome: 'allowed', changes: { total: '1' } },
    });
    const complete = completeEvent(event, '01a218a6-b8f2-70b9-875f-95c3c18b528b', 'orders', new Date(0));
    expect(complete.data.resource).toBe('order/7');
  });

  it('accepts only a declared action and kind, and asks for a choice if several are declared', () => {
    const read = (action?: 'orders:read:client' | 'orders:send') =>
      orders.event('order.read', ada, { id: EVERY, ...(action === undefined ? {} : { action }) });
    expect(read('orders:read:client').data).toMatchObject({ action: 'orders:read:client', resource: 'order/*' });
    expect(() => read()).toThrow('orders:read or orders:read:client');
    expect(() => read('orders:send')).toThrow('not orders:send');
    // @ts-expect-error No event of the catalogue has this action.
    expect(() => orders.event('order.read', ada, { id: EVERY, action: 'orders:write' })).toThrow('not orders:write');
    expect(orders.event('thing.sent', ada, { id: '1', kind: 'parcel' }).subject).toBe('parcel/1');
    expect(() => orders.event('thing.sent', ada, { id: '1' })).toThrow('order or parcel');
  });

  it('is the only way to create recordable events: the type check enforces it', () => {
    const made: NewAuditEvent = orders.event('order.placed', ada, { id: '1' });
    // @ts-expect-error A literal is not an event of a catalogue, whatever its members are.
    const literal: NewAuditEvent = { type: made.type, subject: made.subject, traceparent: undefined, data: made.data };
    expect(JSON.parse(JSON.stringify(literal))).toEqual(
      JSON.parse(JSON.stringify({ ...made, traceparent: undefined })),
    );
    expect(Object.keys(made)).toEqual(['type', 'subject', 'traceparent', 'data']);
  });

  it('refuses names that break the grammar when it is declared', () => {
    const declare = (event: string, kind: string) => () =>
      defineEvents({
        source: 'x',
        kinds: { [kind]: 'id' },
        events: { [event]: { when: '', action: 'a', resource: kind } },
      });
    expect(declare('placed', 'order')).toThrow('<thing>.<done>');
    expect(declare('order.placed', 'Order')).toThrow('kind Order');
  });

  it('becomes a page: each event with its action, resource and changes, and who may see it', () => {
    const page = catalogueToMarkdown(orders);
    expect(page).toContain(
      '| `order.placed` | An order was placed. | `orders:create` | `order` | `total`: the amount | `audit:read`; its principal |',
    );
    expect(page).toContain('| `order`, `parcel` |  | `audit:read`; its principal, if it has one |');
    expect(page).toContain('| `order` |  | `audit:read` |');
    expect(page).toContain('| `parcel` | its number |');
  });

  it('adds its own prefix to the types of its events', () => {
    const of = (prefix: string) =>
      defineEvents({
        source: 'orders',
        prefix,
        kinds: { order: 'UUIDv7' },
        events: { 'order.placed': { when: 'Placed.', action: 'orders:create', resource: 'order' } },
      });
    const event = of('com.acme-shop').event('order.placed', ada, { id: '7' });
    expect(event.type).toBe('com.acme-shop.orders.order.placed.v1');
    expect(completeEvent(event, '01a218a6-b8f2-70b9-875f-95c3c18b528b', 'orders', new Date(0)).type).toBe(event.type);
    for (const prefix of ['', 'Com.acme', 'com.', '.com', 'com acme', 'a'.repeat(129)])
      expect(() => of(prefix)).toThrow(/orders: the prefix/);
  });
});
