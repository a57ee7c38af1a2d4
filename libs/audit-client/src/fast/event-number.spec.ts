import fc from 'fast-check';
import { withNumber } from './event-number.js';

const sequences = fc.bigInt({ min: 1n, max: 10n ** 17n });
const numbered = (value: unknown, sequence: bigint): unknown =>
  JSON.parse(withNumber(Buffer.from(JSON.stringify(value)), sequence).toString());

describe('the number of an event', () => {
  it('is inserted as if the event had been parsed, whatever its content', () => {
    const members = fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('sequence', 'data', 'id')), fc.jsonValue());
    fc.assert(
      fc.property(members, sequences, (event, sequence) => {
        const parsed: object = JSON.parse(JSON.stringify(event));
        expect(numbered(event, sequence)).toEqual({ ...parsed, sequence: String(sequence) });
      }),
      { examples: [[JSON.parse('{"__proto__":"","sequence":[]}'), 1n]] },
    );
  });

  it('is added separately to a value that is not an object', () => {
    const others = fc
      .jsonValue()
      .filter((value) => typeof value !== 'object' || value === null || Array.isArray(value));
    fc.assert(
      fc.property(others, sequences, (event, sequence) => {
        expect(numbered(event, sequence)).toEqual({
          sequence: String(sequence),
          event: JSON.parse(JSON.stringify(event)),
        });
      }),
    );
  });
});
