import fc from 'fast-check';
import { redundant, type AgedCheckpoint } from './checkpoint-thinning.js';

const HOUR_MS = 3_600_000;
const now = new Date('2026-11-25T12:30:00Z');
const options = { fullHours: 24, hourlyDays: 30 };
const ages = fc.array(fc.tuple(fc.integer({ min: 0, max: 60 * 24 * 60 }), fc.boolean()), { maxLength: 200 });
const aged = (minutes: readonly (readonly [number, boolean])[]): AgedCheckpoint[] =>
  [...minutes]
    .sort(([one], [other]) => other - one)
    .map(([age, kept], at) => ({ treeSize: at, signedAt: new Date(now.getTime() - age * 60_000), kept }));

describe('thinning checkpoints', () => {
  it('keeps the last one of every hour and day, all of the last day, and all under which evidence was handed out', () => {
    fc.assert(
      fc.property(ages, (minutes) => {
        const all = aged(minutes);
        const gone = new Set(redundant(all, options, now));
        const left = all.filter(({ treeSize }) => !gone.has(treeSize));
        for (const { treeSize, signedAt, kept } of all.filter((one) => gone.has(one.treeSize))) {
          const age = now.getTime() - signedAt.getTime();
          expect(kept).toBe(false);
          expect(age).toBeGreaterThan(24 * HOUR_MS);
          const width = age > 30 * 24 * HOUR_MS ? 24 * HOUR_MS : HOUR_MS;
          const bucket = Math.floor(signedAt.getTime() / width);
          const later = left.find(
            (one) => one.treeSize > treeSize && Math.floor(one.signedAt.getTime() / width) === bucket,
          );
          expect(later).toBeDefined();
        }
        expect(redundant(left, options, now)).toEqual([]);
      }),
    );
  });

  it('removes what is neither', () => {
    const at = (text: string, kept = false) => ({ signedAt: new Date(text), kept });
    const some = [
      at('2026-09-01T03:00:00Z'),
      at('2026-09-01T22:00:00Z'),
      at('2026-11-20T10:01:00Z'),
      at('2026-11-20T10:02:00Z', true),
      at('2026-11-20T10:59:00Z'),
      at('2026-11-20T11:00:00Z'),
      at('2026-11-25T12:00:00Z'),
      at('2026-11-25T12:00:01Z'),
    ].map((one, treeSize) => ({ treeSize, ...one }));
    expect(redundant(some, options, now)).toEqual([0, 2]);
  });
});
