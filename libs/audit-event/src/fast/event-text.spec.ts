import { completeEvent, type EventParts } from '../audit-event.js';
import { eventText } from './event-text.js';

const id = '01a21031-6897-71c1-8114-42669a3f0602';
const now = new Date('2026-11-25T00:00:00.000Z');
const event = (changes: Readonly<Record<string, unknown>>, traceparent?: string): EventParts => ({
  type: 'countersign.orders.order.placed.v1',
  subject: 'order/7',
  traceparent,
  data: {
    principal: { subject: 'ada', client_id: 'shop', actors: ['till'], scopes: ['orders:create'], jti: 'j' },
    txn: 't',
    action: 'orders:create',
    resource: 'order/7',
    outcome: 'allowed',
    request: { method: 'POST', route: '/orders', id: 'r', peer: '192.0.2.1' },
    changes,
  },
});

describe('the text of an event', () => {
  it.each([
    ['with a trace', event({ total: '1' }, `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`)],
    ['without one', event({ total: '1' })],
    ['with members that are not there', event({ total: undefined, note: 'a "b" \\u0000' })],
  ])('%s is that of the completed event', (_, parts) => {
    expect(JSON.parse(eventText(parts, id, 'orders', now))).toEqual(
      JSON.parse(JSON.stringify(completeEvent(parts, id, 'orders', now))),
    );
  });

  it('is refused when PostgreSQL could not keep it', () => {
    for (const note of ['\u0000', '\ud800']) {
      const parts = event({ note });
      expect(() => completeEvent(parts, id, 'orders', now)).toThrow('U+0000');
      expect(() => eventText(parts, id, 'orders', now)).toThrow('U+0000');
    }
  });
});
