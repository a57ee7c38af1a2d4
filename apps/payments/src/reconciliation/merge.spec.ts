import fc from 'fast-check';
import { paged, sideBySide } from './merge.js';

const ids = fc.uniqueArray(fc.integer({ min: 1, max: 60 }).map((number) => String(number).padStart(3, '0')));

function source(of: readonly string[], page: number): AsyncGenerator<string, undefined> {
  return paged('', (after) => {
    const rest = of.filter((id) => id > after);
    const items = rest.slice(0, page);
    return Promise.resolve({ items, next: rest.length > page ? items.at(-1) : undefined });
  });
}

describe('two sides in the order of their ids', () => {
  it("are traversed together, each id once with both sides' data, whatever their pages", async () => {
    await fc.assert(
      fc.asyncProperty(ids, ids, fc.integer({ min: 1, max: 9 }), async (some, others, page) => {
        const [ones, twos] = [[...some].sort(), [...others].sort()];
        const walked = [];
        for await (const { id, one, other } of sideBySide(
          source(ones, page),
          source(twos, page + 1),
          (of) => of,
          (of) => of,
        ))
          walked.push([id, one !== undefined, other !== undefined]);
        const all = [...new Set([...ones, ...twos])].sort();
        expect(walked).toEqual(all.map((id) => [id, ones.includes(id), twos.includes(id)]));
      }),
    );
  });
});
