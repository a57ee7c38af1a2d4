import fc from 'fast-check';
import { depthOf, EVENT_DEPTH_LIMIT, isTooDeep } from './json-depth.js';

function levelsOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(levelsOf));
}

describe('the depth of JSON', () => {
  it('counts objects and arrays, whatever its strings look like', () => {
    const text = fc.oneof(fc.string(), fc.constantFrom('[', '{"', '\\', '\\"[', '"'));
    const json = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { depthSize: 'medium' },
        text,
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(text, tie('value'), { maxKeys: 3 }),
      ),
    })).value;
    fc.assert(fc.property(json, (value) => expect(depthOf(JSON.stringify(value))).toBe(levelsOf(value))));
  });

  it('is exceeded by nesting, not by many adjacent brackets', () => {
    const nested = (levels: number): string => '[{"a":'.repeat(levels / 2) + '1' + '}]'.repeat(levels / 2);
    expect(isTooDeep(nested(EVENT_DEPTH_LIMIT))).toBe(false);
    expect(isTooDeep(`[${nested(EVENT_DEPTH_LIMIT)}]`)).toBe(true);
    expect(isTooDeep(JSON.stringify(Array.from({ length: 500 }, () => [])))).toBe(false);
  });
});
