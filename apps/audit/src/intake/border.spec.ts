import { uuidv7 } from '@countersign/audit-client';
import { leafOf } from '@countersign/merkle-log';
import fc from 'fast-check';
import { inspect, traceIdOf } from './border.js';

const event = {
  specversion: '1.0',
  id: uuidv7(),
  source: 'payments',
  type: 'countersign.payments.payment.settled.v1',
  time: '2026-01-01T00:00:00.000Z',
  subject: 'p',
  datacontenttype: 'application/json',
  sequence: '7',
  data: { principal: null, txn: null, action: 'payments:create', resource: 'payment/p', outcome: 'allowed' },
};
const natsSubject = 'audit.payments.payment.settled';
const look = (content: unknown, subject = natsSubject) =>
  inspect({
    natsSubject: subject,
    payload: Buffer.from(typeof content === 'string' ? content : JSON.stringify(content)),
  });

describe('the border of the trail', () => {
  it("lets an event of its publisher's own in", () => {
    expect(look(event)).toEqual({ kind: 'event', event, leaf: leafOf(event) });
  });

  it('lets no service speak for another', () => {
    expect(look(event, 'audit.accounts.payment.settled')).toMatchObject({
      kind: 'dead-letter',
      reason: 'EVENT_OF_ANOTHER_SERVICE',
      source: null,
    });
  });

  it('keeps the place of an event that it cannot take, when its publisher owns it', () => {
    const odd = { ...event, data: { ...event.data, outcome: 'maybe' } };
    expect(look(odd)).toMatchObject({ kind: 'dead-letter', source: 'payments', sequence: '7' });
    expect(look(odd, 'audit.accounts.x')).toMatchObject({ kind: 'dead-letter', source: null, sequence: null });
  });

  it('turns whatever else arrives into a dead letter, without failing', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((text) => Buffer.from(text)),
        ),
        (payload) => {
          const result = inspect({ natsSubject, payload });
          expect(result.kind).toBe('dead-letter');
          if (result.kind === 'dead-letter') expect(result.payload).not.toContain('\u0000');
        },
      ),
    );
    expect(look('x'.repeat(40_000))).toMatchObject({ reason: 'EVENT_TOO_LARGE' });
    expect(look({ ...event, extra: 1 })).toMatchObject({ kind: 'dead-letter' });
  });

  it('takes a backslash before u0000, but no NUL', () => {
    const withText = (text: string) => ({ ...event, data: { ...event.data, changes: { text } } });
    expect(look(withText('\\\\u0000'))).toMatchObject({ kind: 'event' });
    expect(look(withText('a\u0000'))).toMatchObject({ kind: 'dead-letter', sequence: '7' });
    expect(look(withText('\ud800'))).toMatchObject({ kind: 'dead-letter', sequence: '7' });
  });

  it('reads the trace id of a traceparent', () => {
    expect(traceIdOf(`00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`)).toBe('a'.repeat(32));
    expect(traceIdOf(undefined)).toBeNull();
  });
});
