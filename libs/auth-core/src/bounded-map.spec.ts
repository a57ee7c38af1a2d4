import fc from 'fast-check';
import { BoundedMap } from './bounded-map.js';

describe('a bounded map', () => {
  it('keeps the latest entries, oldest first, and names evicted ones', () => {
    const writes = fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer()), { maxLength: 40 });
    fc.assert(
      fc.property(writes, fc.integer({ min: 1, max: 6 }), (entries, limit) => {
        const evicted: [number, number][] = [];
        const map = new BoundedMap<number, number>(limit, (...entry) => evicted.push(entry));
        let model: [number, number][] = [];
        const gone: [number, number][] = [];
        for (const [key, value] of entries) {
          map.set(key, value);
          model = [...model.filter(([known]) => known !== key), [key, value]];
          gone.push(...model.splice(0, model.length - limit));
        }
        expect([...map]).toEqual(model);
        expect(evicted).toEqual(gone);
      }),
    );
  });

  it('calls nothing for an entry that is deleted', () => {
    const evicted: string[] = [];
    const map = new BoundedMap<string, number>(1, (key) => evicted.push(key));
    map.set('a', 1);
    map.delete('a');
    map.set('b', 2);
    expect(evicted).toEqual([]);
  });
});
