import fc from 'fast-check';
import { makeApiKey } from '../api-key.js';
import { RecentTexts } from './recent-texts.js';

const ids = Array.from({ length: 40 }, (_, n) => `01a21031-6897-71c1-8114-42669a3f06${String(10 + n)}`);
const keys = ids.map((id) => makeApiKey('test', id));
const texts = [...keys, ...keys.map((key) => `Bearer ${key}`), '', 'x', ...keys.map((key) => `y${key.slice(1)}`)];

describe('texts that came lately', () => {
  it('have the last value stored for the whole text, and none once deleted', () => {
    const text = fc.constantFrom(...texts);
    const steps = fc.array(fc.record({ text, value: fc.integer(), forgets: fc.boolean() }), { maxLength: 60 });
    fc.assert(
      fc.property(steps, (all) => {
        const recent = new RecentTexts<number>();
        const model = new Map<string, number>();
        for (const { text: one, value, forgets } of all) {
          if (forgets) {
            recent.forget(one);
            model.delete(one);
            expect(recent.get(one)).toBeUndefined();
          } else {
            recent.put(one, value);
            model.set(one, value);
            expect(recent.get(one)).toBe(value);
          }
          for (const other of texts) expect([undefined, model.get(other)]).toContain(recent.get(other));
        }
      }),
      { numRuns: 40 },
    );
  });

  it('are deleted by either form of a key, because both end alike', () => {
    const [key = ''] = keys;
    const recent = new RecentTexts<number>();
    recent.put(`Bearer ${key}`, 1);
    recent.forget(key);
    expect(recent.get(`Bearer ${key}`)).toBeUndefined();
  });
});
