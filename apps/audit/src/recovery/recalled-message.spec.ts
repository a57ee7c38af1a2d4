import { uuidv7, type AuditEvent } from '@countersign/audit-event';
import { recoveredEvents } from './recalled-message.js';

const eventOf = (note = 'plain'): AuditEvent => ({
  specversion: '1.0',
  id: uuidv7(),
  source: 'payments',
  type: 'countersign.payments.payment.read.v1',
  time: '2026-11-26T12:00:00.000Z',
  subject: 'payment/1',
  datacontenttype: 'application/json',
  sequence: '1',
  data: { principal: null, txn: null, action: 'a', resource: 'payment/1', outcome: 'allowed', changes: { note } },
});
const saltsOf = (path: string, salt: string): string => JSON.stringify({ 1: { [path]: salt } });

describe('what a source sends back', () => {
  it('is taken with its place and its salts, from that source only', () => {
    const event = eventOf();
    const read = (publisher: string) => recoveredEvents([event], '7', saltsOf('changes.note', 'c2FsdA'), publisher);
    expect(read('payments')).toEqual([{ index: 7n, event, salts: { 'changes.note': 'c2FsdA' } }]);
    expect(read('accounts')).toBeUndefined();
  });

  it('is left where the database could not store it: it would stop all that comes after it', () => {
    expect(recoveredEvents([eventOf('\u0000')], '7', '{}', 'payments')).toBeUndefined();
    expect(recoveredEvents([eventOf('\ud800')], '7', '{}', 'payments')).toBeUndefined();
    expect(recoveredEvents([eventOf()], '7', saltsOf('changes.note', '\u0000'), 'payments')).toBeUndefined();
    expect(recoveredEvents([eventOf()], '7', saltsOf('\u0000', 'c2FsdA'), 'payments')).toBeUndefined();
  });
});
