import { auditEventSchema } from '@countersign/audit-event';
import { leafOf } from '@countersign/merkle-log';
import fc from 'fast-check';
import { plainEvent } from './plain-event.js';

const short = fc.oneof(fc.string({ minLength: 1 }), fc.constantFrom('thing/1', 'é', 'x'.repeat(512)));
const name = fc.oneof(fc.string(), fc.constantFrom('b', 'a', '10', '9', '__proto__', 'toJSON', '\u{1f600}', '\ufb33'));
const json = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.string(),
    fc.double({ noDefaultInfinity: true, noNaN: true }),
    fc.constantFrom(null, true, -0, 1e300, '\u0000', '\ud800'),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(name, tie('value'), { maxKeys: 4 }),
  ),
})).value;
const principal = fc.record({
  subject: short,
  client_id: short,
  actors: fc.array(short, { maxLength: 9 }),
  scopes: fc.array(short, { maxLength: 3 }),
  jti: short,
});
const request = fc.record({ method: short, route: short, id: short, peer: short });
const data = fc.record(
  {
    principal: fc.option(principal),
    txn: fc.option(short),
    action: short,
    resource: short,
    outcome: fc.constantFrom('allowed', 'denied', 'failed'),
    reason: short,
    request,
    changes: fc.dictionary(name, json, { maxKeys: 4 }),
  },
  { requiredKeys: ['principal', 'txn', 'action', 'resource', 'outcome'] },
);
const event = fc.record(
  {
    specversion: fc.constant('1.0'),
    id: fc.uuid(),
    source: fc.constantFrom('payments', 'a-1'),
    type: fc.constant('countersign.payments.payment.settled.v1'),
    time: fc
      .date({ min: new Date('2000-01-01'), max: new Date('2099-12-31'), noInvalidDate: true })
      .map((at) => at.toISOString()),
    subject: short,
    datacontenttype: fc.constant('application/json'),
    traceparent: fc.constant(`00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`),
    sequence: fc.integer({ min: 1 }).map(String),
    data,
  },
  { requiredKeys: ['specversion', 'id', 'source', 'type', 'time', 'subject', 'datacontenttype', 'sequence', 'data'] },
);

/** The places of a value and of all that is in it. */
function placesOf(value: unknown): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) => [[key], ...placesOf(member).map((rest) => [key, ...rest])]);
}
/** A copy with another value at the place. */
function changed(value: unknown, [key, ...rest]: readonly string[], change: (value: unknown) => unknown): unknown {
  if (key === undefined || typeof value !== 'object' || value === null) return change(value);
  const members = Object.entries(value).map(([own, member]) => [
    own,
    own === key ? changed(member, rest, change) : (member as unknown),
  ]);
  return Array.isArray(value) ? members.map(([, member]) => member) : Object.fromEntries(members);
}
const odd = fc.oneof(
  fc.constantFrom(undefined, null, '', 'x'.repeat(513), 0, [], {}, [''], 'maybe', '0', '01', `${'9'.repeat(19)}`),
  fc.constantFrom('2026-02-30T00:00:00.000Z', '2026-01-01T24:00:00.000Z', '2026-01-01T00:00:00Z', 'Payments', 'a.b'),
  fc.constantFrom({ more: 1 }, { subject: 's', client_id: 'c', actors: [1], scopes: [], jti: 'j' }),
);

function agrees(value: unknown): boolean {
  const given: unknown = JSON.parse(JSON.stringify(value));
  const plain = plainEvent(given);
  if (plain === undefined) return false;
  const parsed = auditEventSchema.parse(given);
  expect(plain.event).toEqual(parsed);
  expect(plain.canonical).toBe(leafOf(parsed).json);
  return true;
}

describe('the short way for an event', () => {
  it('accepts what the schema accepts, with the same result, and writes its canonical JSON', () => {
    let taken = 0;
    fc.assert(
      fc.property(event, (value) => void (taken += Number(agrees(value)))),
      { numRuns: 400 },
    );
    expect(taken).toBeGreaterThan(100);
  });

  it('accepts nothing that the schema refuses, wherever the fault is', () => {
    const wrong = fc.tuple(event, odd, fc.nat(), fc.boolean()).map(([value, to, at, more]) => {
      const places = [...placesOf(value), []];
      const withMore = (old: unknown): unknown =>
        typeof old === 'object' && old !== null && !Array.isArray(old) ? { ...old, extra: to ?? 1 } : to;
      return changed(value, places[at % places.length] ?? [], more ? withMore : () => to);
    });
    fc.assert(
      fc.property(wrong, (value) => void (value === undefined || agrees(value))),
      { numRuns: 800 },
    );
  });

  it('leaves to the schema a number that JavaScript reads as infinite, which it would write as null', () => {
    for (const number of ['1e400', '-1e400']) {
      const changes: unknown = JSON.parse(`{"list":[{"amount":${number}}]}`);
      fc.assert(
        fc.property(event, (value) => {
          expect(plainEvent({ ...value, data: { ...value.data, changes } })).toBeUndefined();
        }),
        { numRuns: 20 },
      );
    }
  });

  it('leaves deep nesting to the schema', () => {
    let deep: unknown = 1;
    for (let level = 0; level < 40; level += 1) deep = [deep];
    fc.assert(
      fc.property(event, (value) => {
        const data = { ...value.data, changes: { deep } };
        expect(plainEvent({ ...value, data })).toBeUndefined();
      }),
      { numRuns: 20 },
    );
  });
});
