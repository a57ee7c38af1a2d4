import fc from 'fast-check';
import { uuidv7 } from '@countersign/audit-event';
import { RecoveryPlan, type Claim } from './recovered-log.js';

const claim = (index: number, said: Partial<Claim> = {}): Claim => ({
  index: BigInt(index),
  id: uuidv7(),
  source: 'payments',
  sequence: BigInt(index),
  proven: false,
  ...said,
});

const inOrder = (next: bigint, end: bigint, found: readonly Claim[]): readonly Claim[] =>
  found
    .filter(({ index }) => index >= next && index < end)
    .toSorted((one, other) => (one.index < other.index ? -1 : 1));
function recoveryPlan(next: bigint, end: bigint, found: readonly Claim[]) {
  const plan = new RecoveryPlan(next, end);
  const events = plan.take(inOrder(next, end, found), []);
  const { missing, contested } = plan.finish();
  return { events, missing, contested };
}

describe('putting a restored log back', () => {
  it('has the same result in pages of any size', () => {
    const some = fc.record({
      index: fc.nat(12),
      id: fc.nat(9),
      sequence: fc.nat(9),
      source: fc.constantFrom('a', 'b'),
      proven: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(some), fc.integer({ min: 1, max: 5 }), (said, size) => {
        const claims = inOrder(
          0n,
          12n,
          said.map(({ index, id, sequence, ...rest }) =>
            claim(index, { ...rest, id: String(id), sequence: BigInt(sequence) }),
          ),
        );
        const places = [...Map.groupBy(claims, ({ index }) => index).values()];
        const plan = new RecoveryPlan(0n, 12n);
        const events: Claim[] = [];
        for (let at = 0; at < places.length; at += size) {
          const page = places.slice(at, at + size).flat();
          const isRival = (other: Claim): boolean =>
            !page.includes(other) &&
            page.some(
              ({ id, source, sequence }) => other.id === id || (other.source === source && other.sequence === sequence),
            );
          events.push(...plan.take(page, claims.filter(isRival)));
        }
        const { missing, contested, events: count } = plan.finish();
        expect({ events, missing, contested }).toEqual(recoveryPlan(0n, 12n, claims));
        expect(count).toBe(events.length);
      }),
    );
  });

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

  it('trusts nobody when two events claim one place, one id or one number', () => {
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

  it('trusts the one that is proven', () => {
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
