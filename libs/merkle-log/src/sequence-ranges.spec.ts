import fc from 'fast-check';
import { SequenceRanges } from './sequence-ranges.js';

const numbers = fc.array(fc.bigInt({ min: 1n, max: 60n }), { maxLength: 60 });

describe('adding a range of numbers', () => {
  it('is adding each of them', () => {
    const bounds = fc.tuple(fc.bigInt({ min: 1n, max: 40n }), fc.bigInt({ min: 0n, max: 8n }));
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: 1n, max: 50n })), fc.array(bounds), (numbers, ranges) => {
        const [one, other] = [new SequenceRanges(), new SequenceRanges()];
        for (const number of numbers) {
          one.add(number);
          other.add(number);
        }
        for (const [first, length] of ranges) {
          one.addRange(first, first + length);
          for (let number = first; number <= first + length; number += 1n) other.add(number);
        }
        expect(one.toString()).toBe(other.toString());
      }),
    );
  });
});

describe('the numbers of a source', () => {
  it('are those that were added, whatever their order', () => {
    fc.assert(
      fc.property(numbers, (added) => {
        const ranges = new SequenceRanges();
        const model = new Set<bigint>();
        for (const number of added) {
          expect(ranges.add(number)).toBe(!model.has(number));
          model.add(number);
        }
        let through = 0n;
        while (model.has(through + 1n)) through += 1n;
        expect(ranges.through).toBe(through);
        for (let number = 1n; number <= 61n; number += 1n) expect(ranges.has(number)).toBe(model.has(number));
        const missing = ranges.missing().flatMap(({ first, last }) => {
          return Array.from({ length: Number(last - first) + 1 }, (_, index) => first + BigInt(index));
        });
        const highest = added.reduce((high, number) => (number > high ? number : high), 0n);
        const expected = Array.from({ length: Number(highest) }, (_, index) => BigInt(index) + 1n);
        expect(missing).toEqual(expected.filter((number) => !model.has(number)));
      }),
    );
  });

  it('are read as PostgreSQL writes them', () => {
    const ranges = SequenceRanges.parse('{[1,5),[7,9),[12,13)}');
    expect(ranges.toString()).toBe('{[1,4],[7,8],[12,12]}');
    expect(ranges.missing()).toEqual([
      { first: 5n, last: 6n },
      { first: 9n, last: 11n },
    ]);
    expect(SequenceRanges.parse('{}').through).toBe(0n);
  });
});
