import fc from 'fast-check';
import { uuidv7 } from '@countersign/audit-event';
import { recoveryPlan, type Claim } from './recovered-log.js';

const claim = (index: number, said: Partial<Claim> = {}): Claim => ({
  index: BigInt(index),
  id: uuidv7(),
  source: 'payments',
  sequence: BigInt(index),
  proven: false,
  ...said,
});

describe('putting a restored log back', () => {
  it('accounts for every place once: by its event, or as missing', () => {
    fc.assert(
      fc.property(fc.nat(20), fc.nat(40), fc.array(fc.nat(70)), (next, length, indices) => {
        const ids = new Map(indices.map((index) => [index, uuidv7()] as const));
        const found = [...new Set(indices)].map((index) => claim(index, { id: ids.get(index) ?? '' }));
        const { events, missing, contested } = recoveryPlan(BigInt(next), BigInt(next + length), found);
        const places = events.map(({ index }) => Number(index));
        for (const { first, last } of missing) {
          for (let index = Number(first); index <= Number(last); index += 1) {
            expect(ids.has(index)).toBe(false);
            places.push(index);
          }
        }
        expect(places.sort((a, b) => a - b)).toEqual(Array.from({ length }, (_, at) => next + at));
        expect(contested).toEqual([]);
        expect(events.every(({ index, id }) => id === ids.get(Number(index)))).toBe(true);
      }),
    );
  });

  it('believes nobody when two events claim one place, one id or one number', () => {
    const id = uuidv7();
    for (const proven of [false, true]) {
      expect(recoveryPlan(5n, 9n, [claim(7, { proven }), claim(7, { source: 'accounts', proven })])).toEqual({
        events: [],
        missing: [
          { first: 5n, last: 6n },
          { first: 8n, last: 8n },
        ],
        contested: [{ first: 7n, last: 7n }],
      });
      const sameId = [claim(7, { id, proven }), claim(8, { id, proven })];
      const sameNumber = [claim(7, { proven }), claim(8, { sequence: 7n, proven })];
      for (const claims of [sameId, sameNumber])
        expect(recoveryPlan(7n, 9n, claims)).toEqual({
          events: [],
          missing: [],
          contested: [{ first: 7n, last: 8n }],
        });
    }
  });

  it('believes the one that is proven', () => {
    const known = claim(7, { proven: true });
    for (const invented of [
      claim(7, { source: 'accounts' }),
      claim(8, { source: 'accounts', id: known.id }),
      claim(8, { sequence: known.sequence }),
    ]) {
      expect(recoveryPlan(7n, 8n, [invented, known])).toEqual({ events: [known], missing: [], contested: [] });
      expect(recoveryPlan(7n, 9n, [invented, known]).events).toEqual([known]);
    }
  });
});
