import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { auditEventSchema } from '@countersign/audit-event';
import { eventFaults } from '@countersign/test-kit';
import fc from 'fast-check';
import { documentedEvents } from '../documented-events.js';
import { type Happening } from './happening.js';
import { busyness, historyOf } from './month.js';

const until = new Date('2026-11-20T12:34:56.000Z');
const happeningsOf = (events: number, seed = 1, days = 30): readonly Happening[] =>
  [...historyOf({ events, days, until, seed })].flat();

const documented = documentedEvents(readFileSync(join(import.meta.dirname, '../../../../docs/events.md'), 'utf8'));

describe('a generated history', () => {
  it('is the same for the same seed, to the last byte, and another for another', () => {
    expect(JSON.stringify(happeningsOf(600))).toBe(JSON.stringify(happeningsOf(600)));
    expect(JSON.stringify(happeningsOf(600, 2))).not.toBe(JSON.stringify(happeningsOf(600)));
  });

  it('holds the events that were asked for, in the order of their time, within its days, each once', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 300, max: 1_500 }),
        fc.integer(),
        fc.integer({ min: 1, max: 40 }),
        (events, seed, days) => {
          const history = happeningsOf(events, seed, days);
          expect(Math.abs(history.length - events)).toBeLessThan(60);
          const times = history.map(({ at }) => at);
          expect(times).toEqual([...times].sort((one, other) => one - other));
          expect(times[0]).toBeGreaterThanOrEqual(until.getTime() - days * 86_400_000);
          expect(times.at(-1)).toBeLessThanOrEqual(until.getTime());
          const ids = history.flatMap((one) => (one.kind === 'event' ? [one.event.id] : []));
          expect(new Set(ids).size).toBe(ids.length);
        },
      ),
      { numRuns: 6 },
    );
  });

  it('says nothing that its services do not record, but for the one that goes to the dead letters', () => {
    for (const one of happeningsOf(2_500)) {
      if (one.kind === 'lost') continue;
      const taken = auditEventSchema.safeParse({ ...one.event, sequence: '1' });
      expect(taken.success).toBe(one.kind === 'event');
      if (one.kind !== 'event') continue;
      const catalogue = documented.get(one.source);
      if (catalogue === undefined) throw new Error(`${one.source} is not documented`);
      expect(eventFaults(one.event, catalogue)).toEqual([]);
      expect(one.event.source).toBe(one.source);
    }
  });

  it('is busier by day than by night and on workdays than on Sundays, and has each incident', () => {
    const history = happeningsOf(6_000);
    const share = (wanted: (at: Date) => boolean): number => history.filter(({ at }) => wanted(new Date(at))).length;
    expect(share((at) => at.getUTCHours() === 12)).toBeGreaterThan(5 * share((at) => at.getUTCHours() === 3));
    expect(share((at) => at.getUTCDay() === 5)).toBeGreaterThan(1.5 * share((at) => at.getUTCDay() === 0));
    expect(busyness(Date.UTC(2026, 10, 20, 12))).toBeGreaterThan(busyness(Date.UTC(2026, 10, 22, 3)));
    const reasons = new Set(history.map((one) => (one.kind === 'event' ? one.event.data.reason : one.kind)));
    for (const reason of [
      'API_KEY_REVOKED',
      'PERSON_DISABLED',
      'SIGNATURE_INVALID',
      'FUNDS_INSUFFICIENT',
      'lost',
      'misfit',
    ])
      expect(reasons).toContain(reason);
  });
});
