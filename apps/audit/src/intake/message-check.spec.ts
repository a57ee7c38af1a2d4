import { BATCH_EVENT_LIMIT, BATCH_SIZE_LIMIT } from '@countersign/audit-client';
import { auditEventSchema, completeEvent, EVENT_DEPTH_LIMIT, uuidv7 } from '@countersign/audit-event';
import { leafOf } from '@countersign/merkle-log';
import fc from 'fast-check';
import { inspectMessage } from './message-check.js';

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
const checkAll = (content: unknown, subject = natsSubject) =>
  inspectMessage({
    natsSubject: subject,
    payload: Buffer.from(typeof content === 'string' ? content : JSON.stringify(content)),
  });
const checkOne = (content: unknown, subject = natsSubject) => checkAll(content, subject)[0];
const numbered = (sequence: number) => ({ ...event, id: uuidv7(), sequence: String(sequence) });

describe('the check of each message', () => {
  it('accepts an event of its publisher', () => {
    expect(checkOne(event)).toEqual({ kind: 'event', event, leaf: leafOf(event) });
  });

  it('accepts an event whose type begins with its own prefix', () => {
    const own = { ...event, type: 'com.acme-shop.payments.payment.settled.v1' };
    expect(checkOne(own)).toEqual({ kind: 'event', event: own, leaf: leafOf(own) });
    for (const type of [
      'payment.settled.v1',
      'com.acme.payments.settled',
      'Com.acme.payments.settled.v1',
      `a.${'b'.repeat(600)}.c.d.v1`,
    ])
      expect(checkOne({ ...event, type })).toMatchObject({ kind: 'dead-letter' });
  });

  it('lets no service speak for another', () => {
    expect(checkOne(event, 'audit.accounts.payment.settled')).toMatchObject({
      kind: 'dead-letter',
      reason: 'EVENT_OF_ANOTHER_SERVICE',
      source: null,
    });
  });

  it('keeps the place of an event that it cannot accept, if its publisher owns it', () => {
    const odd = { ...event, data: { ...event.data, outcome: 'maybe' } };
    expect(checkOne(odd)).toMatchObject({ kind: 'dead-letter', source: 'payments', sequence: '7' });
    expect(checkOne(odd, 'audit.accounts.x')).toMatchObject({ kind: 'dead-letter', source: null, sequence: null });
  });

  it('turns whatever else arrives into a dead letter, without failing', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((text) => Buffer.from(text)),
        ),
        (payload) => {
          const results = inspectMessage({ natsSubject, payload });
          expect(results.length).toBeGreaterThan(0);
          for (const result of results) {
            expect(result.kind).toBe('dead-letter');
            if (result.kind === 'dead-letter') expect(result.payload).not.toContain('\u0000');
          }
        },
      ),
    );
    expect(checkOne(JSON.stringify('x'.repeat(40_000)))).toMatchObject({ reason: 'EVENT_TOO_LARGE' });
    expect(checkOne({ ...event, extra: 1 })).toMatchObject({ kind: 'dead-letter' });
  });

  it('checks each event of a batch separately, in order', () => {
    const odd = { ...numbered(2), data: { ...event.data, outcome: 'maybe' } };
    const strange = { ...numbered(4), source: 'accounts' };
    const large = { ...numbered(5), data: { ...event.data, changes: { text: 'x'.repeat(33_000) } } };
    const batch = [numbered(1), odd, 7, strange, large, numbered(6)];
    expect(checkAll(batch, 'audit.payments.batch')).toMatchObject([
      { kind: 'event', event: { sequence: '1' } },
      { kind: 'dead-letter', source: 'payments', sequence: '2', payload: JSON.stringify(odd) },
      { kind: 'dead-letter', source: null, sequence: null, payload: '7' },
      { kind: 'dead-letter', reason: 'EVENT_OF_ANOTHER_SERVICE', source: null, sequence: null },
      { kind: 'dead-letter', reason: expect.stringMatching(/^EVENT_TOO_LARGE/) as string, sequence: '5' },
      { kind: 'event', event: { sequence: '6' } },
    ]);
  });

  it('refuses a whole batch that is empty, has too many events, or is too large', () => {
    const letter = (reason: string) => [expect.objectContaining({ kind: 'dead-letter', reason, sequence: null })];
    const full = Array.from({ length: BATCH_EVENT_LIMIT }, (_, index) => numbered(index + 1));
    expect(checkAll(full).map(({ kind }) => kind)).toEqual(full.map(() => 'event'));
    expect(checkAll([...full, numbered(BATCH_EVENT_LIMIT + 1)])).toEqual(letter('BATCH_TOO_LARGE'));
    expect(checkAll(`[${' '.repeat(BATCH_SIZE_LIMIT)}]`)).toEqual(letter('BATCH_TOO_LARGE'));
    expect(checkAll([])).toEqual(letter('BATCH_EMPTY'));
    expect(checkAll(JSON.stringify(full).slice(0, -1))).toEqual(letter('EVENT_NOT_JSON'));
  });

  it('keeps the neighbours of an event nested too deeply for JavaScript to serialise', () => {
    const deep = `{"changes":${'['.repeat(60_000)}${']'.repeat(60_000)}}`;
    const results = checkAll(`[${JSON.stringify(numbered(1))},${deep},${JSON.stringify(numbered(3))}]`);
    expect(results.map(({ kind }) => kind)).toEqual(['event', 'dead-letter', 'event']);
  });

  it('accepts events as deep as a service can make them, and no service can make a deeper one', () => {
    const made = (levels: number) => {
      let deep: unknown = 1;
      for (let level = 0; level < levels; level += 1) deep = level % 2 === 0 ? [deep] : { deep };
      const { type, subject, data } = auditEventSchema.parse(event);
      return { type, subject, data: { ...data, changes: { deep } } };
    };
    const complete = (levels: number) => completeEvent(made(levels), uuidv7(), 'payments', new Date(0));
    // The event, its data, its changes.
    const most = EVENT_DEPTH_LIMIT - 3;
    expect(checkOne({ ...complete(most), sequence: '7' })).toMatchObject({ kind: 'event' });
    expect(checkOne({ ...event, ...made(most + 1) })).toMatchObject({ kind: 'dead-letter', sequence: '7' });
    expect(() => complete(most + 1)).toThrow(expect.objectContaining({ code: 'EVENT_INVALID' }));
    expect(() => complete(100_000)).toThrow(expect.objectContaining({ code: 'EVENT_INVALID' }));
  });

  it('accepts a backslash before u0000, but no NUL', () => {
    const withText = (text: string) => ({ ...event, data: { ...event.data, changes: { text } } });
    expect(checkOne(withText('\\\\u0000'))).toMatchObject({ kind: 'event' });
    expect(checkOne(withText('a\u0000'))).toMatchObject({ kind: 'dead-letter', sequence: '7' });
    expect(checkOne(withText('\ud800'))).toMatchObject({ kind: 'dead-letter', sequence: '7' });
  });
});
