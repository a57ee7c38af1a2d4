import fc from 'fast-check';
import { placementsOf, type Placed } from './placements.js';

const placed = fc.record({
  source: fc.constantFrom('payments', 'accounts'),
  sequence: fc.bigInt({ min: 1n, max: 30n }),
  index: fc.option(fc.bigInt({ min: 0n, max: 40n })),
});

describe('where events stand', () => {
  it('is short: consecutive numbers at consecutive places are one entry', () => {
    const events = [7n, 8n, 9n].map((sequence): Placed => ({ source: 'payments', sequence, index: sequence + 93n }));
    const salted = { source: 'payments', sequence: 10n, index: 103n, salts: { 'request.peer': 'c2FsdA' } };
    const letter = { source: 'payments', sequence: 11n, index: null };
    const elsewhere = { source: 'payments', sequence: 12n, index: 200n };
    expect(
      placementsOf([...events, salted, letter, elsewhere, { source: 'accounts', sequence: 1n, index: 99n }]),
    ).toEqual([
      {
        source: 'payments',
        places: [
          { first: '7', last: '10', index: '100', salts: { '10': { 'request.peer': 'c2FsdA' } } },
          { first: '11', last: '11', index: null },
          { first: '12', last: '12', index: '200' },
        ],
      },
      { source: 'accounts', places: [{ first: '1', last: '1', index: '99' }] },
    ]);
  });

  it('gives the exact place of every event, whatever arrives together', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(placed, { selector: ({ source, sequence }) => `${source} ${String(sequence)}` }),
        (events) => {
          const placed = placementsOf(events).flatMap(({ source, places }) =>
            places.flatMap(({ first, last, index }) =>
              Array.from({ length: Number(last) - Number(first) + 1 }, (_, at) => ({
                source,
                sequence: BigInt(first) + BigInt(at),
                index: index === null ? null : BigInt(index) + BigInt(at),
              })),
            ),
          );
          expect(new Set(placed.map((one) => Object.values(one).join(' ')))).toEqual(
            new Set(events.map((one) => Object.values(one).join(' '))),
          );
        },
      ),
    );
  });
});
