import fc from 'fast-check';
import { idSchema, timeBoundSchema, timeThroughSchema } from './request-values.js';

describe('what requests name', () => {
  it('is the same id, in whichever letters it comes', () => {
    fc.assert(
      fc.property(fc.uuid(), (id) => {
        expect(idSchema.parse(id.toUpperCase())).toBe(id);
        expect(idSchema.parse(id)).toBe(id);
      }),
    );
    for (const no of ['', 'abc', '{01900000-0000-7000-8000-000000000000}'])
      expect(idSchema.safeParse(no).success).toBe(false);
  });

  // A time as digits: whole milliseconds, and a fraction of one.
  const base = Date.UTC(2026, 0, 1);
  const times = fc.record({ ms: fc.nat(20), fraction: fc.stringMatching(/^\d{0,9}$/) });
  const written = ({ ms, fraction }: { ms: number; fraction: string }): string =>
    new Date(base + ms).toISOString().replace('Z', `${fraction}+00:00`);
  const isExact = ({ fraction }: { fraction: string }): boolean => /^0*$/.test(fraction);

  it('bounds by a time exactly, however fine it is', () => {
    fc.assert(
      fc.property(times, fc.nat(20), (time, kept) => {
        const isBefore = kept < time.ms || (kept === time.ms && !isExact(time));
        expect(base + kept < timeBoundSchema.parse(written(time)).getTime()).toBe(isBefore);
      }),
    );
  });

  it('reaches through a time exactly, however fine it is', () => {
    fc.assert(
      fc.property(times, fc.nat(20), (time, kept) => {
        expect(base + kept <= timeThroughSchema.parse(written(time)).getTime()).toBe(kept <= time.ms);
      }),
    );
  });

  it('is a time with its offset, and nothing that only looks like one', () => {
    expect(timeBoundSchema.parse('2026-01-01T01:00:00+01:00').getTime()).toBe(base);
    for (const no of [
      '2026-01-01',
      '2026-01-01T00:00:00',
      '2026-02-30T00:00:00Z',
      '90',
      'yesterday',
      '2026-01-01 00:00:00Z',
    ]) {
      expect([no, timeBoundSchema.safeParse(no).success]).toEqual([no, false]);
    }
  });

  it('is of the years that PostgreSQL can read as RFC 3339 writes them', () => {
    for (const schema of [timeBoundSchema, timeThroughSchema]) {
      const isTaken = (time: string) => schema.safeParse(time).success;
      expect(['0001-01-01T00:00:00Z', '9999-12-31T23:59:59.999Z'].map(isTaken)).toEqual([true, true]);
      const outside = ['0000-12-31T23:59:59Z', '0001-01-01T00:00:00+01:00', '9999-12-31T23:59:59-01:00'];
      expect(outside.map(isTaken)).toEqual([false, false, false]);
    }
    expect(timeBoundSchema.safeParse('9999-12-31T23:59:59.9999Z').success).toBe(false);
  });
});
