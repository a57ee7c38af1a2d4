import fc from 'fast-check';
import { uuidv7 } from '@countersign/audit-event';
import { eventOf } from '../testing/event-of.js';
import { recoveryPlan, type RecoveredEvent } from './recovered-log.js';

describe('putting a restored log back', () => {
  it('accounts for every place once: by its event, or as missing', () => {
    fc.assert(
      fc.property(fc.nat(20), fc.nat(40), fc.array(fc.nat(70)), (next, length, indices) => {
        const ids = new Map(indices.map((index) => [index, uuidv7()] as const));
        const found = indices.map((index): RecoveredEvent => {
          return { index: BigInt(index), event: eventOf({ id: ids.get(index) ?? '' }), salts: {} };
        });
        const { events, missing } = recoveryPlan(BigInt(next), BigInt(next + length), found);
        const places = events.map(({ index }) => Number(index));
        for (const { first, last } of missing) {
          for (let index = Number(first); index <= Number(last); index += 1) {
            expect(ids.has(index)).toBe(false);
            places.push(index);
          }
        }
        expect(places.sort((a, b) => a - b)).toEqual(Array.from({ length }, (_, at) => next + at));
        expect(events.every(({ index, event }) => event.id === ids.get(Number(index)))).toBe(true);
      }),
    );
  });

  it('believes nobody when two events claim one place', () => {
    const claim = (id: string): RecoveredEvent => ({ index: 7n, event: eventOf({ id }), salts: {} });
    expect(() => recoveryPlan(5n, 9n, [claim(uuidv7()), claim(uuidv7())])).toThrow(/two events claim the log index 7/);
  });
});
