import { randomBytes } from 'node:crypto';
import { uuidv7, type AuditEvent } from '@countersign/audit-event';

/** Events as payments makes them: some six hundred bytes of JSON each. @param from the sequence of the first */
export function makeEvents(from: number, count: number): readonly AuditEvent[] {
  return Array.from({ length: count }, (_, index) => {
    const payment = uuidv7();
    const trace = randomBytes(24).toString('hex');
    return {
      specversion: '1.0',
      id: uuidv7(),
      source: 'payments',
      type: 'countersign.payments.payment.settled.v1',
      time: new Date().toISOString(),
      subject: payment,
      datacontenttype: 'application/json',
      traceparent: `00-${trace.slice(0, 32)}-${trace.slice(32)}-01`,
      sequence: String(from + index),
      data: {
        principal: {
          subject: `customer-${String(index % 997)}`,
          client_id: 'storefront',
          actors: ['payments'],
          scopes: ['payments:create'],
          jti: uuidv7(),
        },
        txn: uuidv7(),
        action: 'payments:create',
        resource: `payment/${payment}`,
        outcome: 'allowed',
        request: { method: 'POST', route: '/payments', id: payment, peer: '10.0.0.1' },
        changes: { status: { from: 'created', to: 'settled' }, amount: { amount: '1999', currency: 'EUR' } },
      },
    };
  });
}
