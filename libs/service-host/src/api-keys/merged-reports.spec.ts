import { NETWORKS_OF_A_REPORT, USES_OF_A_REPORT } from '@countersign/auth-core';
import fc from 'fast-check';
import { mergedReports } from './merged-reports.js';

const use = fc.record({
  api_key_id: fc.integer({ min: 0, max: 400 }).map(String),
  hour: fc.constantFrom('2026-11-26T12:00:00.000Z', '2026-11-26T13:00:00.000Z'),
  route_class: fc.constantFrom('read', 'write'),
  outcome: fc.constantFrom('allowed' as const, 'denied' as const, 'limited' as const),
  count: fc.integer({ min: 1, max: 1_000 }),
  last_at: fc.option(fc.constantFrom('2026-11-26T12:07:00.000Z', '2026-11-26T12:59:00.000Z'), { nil: undefined }),
});
const seen = fc.record({
  api_key_id: fc.integer({ min: 0, max: 400 }).map(String),
  network: fc.constantFrom('192.0.2.1', '192.0.2.2'),
});
const report = fc.record({
  uses: fc.array(use, { maxLength: USES_OF_A_REPORT }),
  networks: fc.array(seen, { maxLength: NETWORKS_OF_A_REPORT }),
});

describe('merged reports', () => {
  it('count the same as the original reports, each use once, in reports that the issuer accepts', () => {
    fc.assert(
      fc.property(fc.array(report, { maxLength: 8 }), (reports) => {
        const sumsOf = (of: typeof reports | ReturnType<typeof mergedReports>) => {
          const sums: Record<string, { readonly count: number; readonly last: string }> = {};
          for (const { count, last_at: last = '', ...rest } of of.flatMap(({ uses }) => uses)) {
            const name = Object.values(rest).join(' ');
            const known = sums[name] ?? { count: 0, last: '' };
            sums[name] = { count: known.count + count, last: last > known.last ? last : known.last };
          }
          const networks = of.flatMap((one) => one.networks.map(({ api_key_id: id, network }) => `${id} ${network}`));
          return { sums, networks: [...new Set(networks)].sort() };
        };
        const merged = mergedReports(reports);
        expect(sumsOf(merged)).toEqual(sumsOf(reports));
        const names = merged.flatMap(({ uses }) => uses);
        expect(names).toHaveLength(Object.keys(sumsOf(reports).sums).length);
        for (const { uses, networks } of merged) {
          expect(uses.length).toBeLessThanOrEqual(USES_OF_A_REPORT);
          expect(networks.length).toBeLessThanOrEqual(NETWORKS_OF_A_REPORT);
        }
      }),
      { numRuns: 50 },
    );
  });
});
