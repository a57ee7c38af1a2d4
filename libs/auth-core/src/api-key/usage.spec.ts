import fc from 'fast-check';
import { ApiKeyUsage, NETWORKS_OF_A_REPORT, USES_OF_A_REPORT, type ApiKeyUsageReport } from './usage.js';

const HOUR_MS = 3_600_000;
const noon = Date.UTC(2026, 10, 26, 12);
const keyOf = (n: number) => ({ id: `01a21031-6897-71c1-8114-${String(n).padStart(12, '0')}` });
const sumOf = (reports: readonly ApiKeyUsageReport[]): number =>
  reports.flatMap(({ uses }) => uses).reduce((sum, { count }) => sum + count, 0);

function takeAll(usage: ApiKeyUsage): readonly ApiKeyUsageReport[] {
  const reports: ApiKeyUsageReport[] = [];
  for (let report = usage.take(); report !== undefined; report = usage.take()) reports.push(report);
  return reports;
}

const step = fc.oneof(
  fc.record({ kind: fc.constant('count' as const), key: fc.nat(3), outcome: fc.constantFrom('allowed', 'denied') }),
  fc.record({ kind: fc.constantFrom('take', 'take and put back', 'next hour') }),
);

describe('the usage counts of API keys', () => {
  it('are reported once each, by the hour of use, whatever was returned in between', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        let now = noon;
        const usage = new ApiKeyUsage(
          () => now,
          (address) => address,
        );
        const keys = [0, 1, 2, 3].map(keyOf);
        const expected = new Map<string, number>();
        const reported: ApiKeyUsageReport[] = [];
        for (const one of steps) {
          if (one.kind === 'count') {
            const key = keys[one.key] ?? keyOf(0);
            usage.count(key, 'read', one.outcome, undefined);
            const name = `${key.id} ${one.outcome} ${new Date(Math.floor(now / HOUR_MS) * HOUR_MS).toISOString()}`;
            expected.set(name, (expected.get(name) ?? 0) + 1);
          } else if (one.kind === 'next hour') now += HOUR_MS;
          else {
            const report = usage.take();
            if (report === undefined) continue;
            if (one.kind === 'take') reported.push(report);
            else usage.giveBack(report);
          }
        }
        reported.push(...takeAll(usage));
        const counted = new Map<string, number>();
        for (const { api_key_id: id, outcome, hour, count } of reported.flatMap(({ uses }) => uses)) {
          const name = `${id} ${outcome} ${hour}`;
          counted.set(name, (counted.get(name) ?? 0) + count);
        }
        expect(counted).toEqual(expected);
        expect(usage.lost).toBe(0);
      }),
    );
  });

  it('are reported in batches that fit into a request to the issuer', () => {
    const usage = new ApiKeyUsage(
      () => noon,
      (address) => address,
    );
    for (let n = 0; n < 1_000; n += 1) usage.count(keyOf(n), 'a'.repeat(32), 'allowed', `2001:db8:${String(n)}:1`);
    const reports = takeAll(usage);
    expect(sumOf(reports)).toBe(1_000);
    expect(reports.flatMap(({ networks }) => networks)).toHaveLength(1_000);
    for (const report of reports) {
      expect(report.uses.length).toBeLessThanOrEqual(USES_OF_A_REPORT);
      expect(report.networks.length).toBeLessThanOrEqual(NETWORKS_OF_A_REPORT);
      expect(JSON.stringify(report).length).toBeLessThan(56_000);
    }
  });

  it('are bounded while they cannot be reported, and the overflow is counted', () => {
    const usage = new ApiKeyUsage(
      () => noon,
      (address) => address,
      10,
    );
    for (let n = 0; n < 15; n += 1) usage.count(keyOf(n), 'read', 'allowed', `192.0.2.${String(n)}`);
    usage.count(keyOf(0), 'read', 'allowed', undefined);
    expect(usage.lost).toBe(5);
    const report = usage.take();
    if (report === undefined) throw new Error('something was counted');
    for (let n = 20; n < 25; n += 1) usage.count(keyOf(n), 'read', 'allowed', undefined);
    usage.giveBack(report);
    expect(usage.lost).toBe(10);
    const reports = takeAll(usage);
    expect(sumOf(reports) + usage.lost).toBe(21);
    expect(reports.flatMap(({ networks }) => networks)).toHaveLength(10);
  });

  it('contain no network that is not an address, because the issuer would refuse the whole report', () => {
    const usage = new ApiKeyUsage(
      () => noon,
      (address) => address,
    );
    for (const address of ['', '?', 'x'.repeat(65), '::', '192.0.2.1'])
      usage.count(keyOf(0), 'read', 'allowed', address);
    const reports = takeAll(usage);
    expect(sumOf(reports)).toBe(5);
    expect(reports.flatMap(({ networks }) => networks.map(({ network }) => network))).toEqual(['::', '192.0.2.1']);
  });
});
