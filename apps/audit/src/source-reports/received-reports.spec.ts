import { parseReport, type SourceReport } from '@countersign/audit-client';
import { FORGET_AFTER_MS, ReceivedReports, REPLICA_LIMIT } from './received-reports.js';

const report = (source: string, replica: string, pending = 0): SourceReport => ({
  source,
  replica,
  status: 'ready',
  failing: [],
  outbox: { pending, oldest_seconds: 0, last_error: null },
  revocation_feed: null,
});
const at = (ms: number): Date => new Date(Date.UTC(2026, 10, 27) + ms);
const namesOf = (reports: ReceivedReports, ms: number) =>
  reports.read(at(ms)).map(({ source, replica }) => `${source} ${replica}`);

describe('what services report', () => {
  it('is kept for each replica: the newest report, and when it arrived', () => {
    const reports = new ReceivedReports();
    reports.hear(report('payments', 'b', 7), at(0));
    reports.hear(report('payments', 'a'), at(1));
    reports.hear(report('payments', 'b', 9), at(2));
    expect(reports.read(at(3))).toEqual([
      { ...report('payments', 'a'), heard_at: at(1).toISOString() },
      { ...report('payments', 'b', 9), heard_at: at(2).toISOString() },
    ]);
  });

  it('is forgotten when the replica was replaced, and kept when its source has been silent since', () => {
    const reports = new ReceivedReports();
    reports.hear(report('issuer', 'only'), at(0));
    reports.hear(report('payments', 'old'), at(0));
    reports.hear(report('payments', 'new'), at(10));
    expect(namesOf(reports, FORGET_AFTER_MS)).toEqual(['issuer only', 'payments new', 'payments old']);
    expect(namesOf(reports, FORGET_AFTER_MS + 11)).toEqual(['issuer only', 'payments new']);
  });

  it('is bounded: if there are too many replicas, the longest silent one is dropped', () => {
    const reports = new ReceivedReports();
    for (let n = 0; n <= REPLICA_LIMIT; n += 1) reports.hear(report('payments', String(n)), at(n));
    expect(reports.read(at(REPLICA_LIMIT))).toHaveLength(REPLICA_LIMIT);
    expect(namesOf(reports, REPLICA_LIMIT)).not.toContain('payments 0');
    for (let n = 0; n < 400; n += 1) reports.hear(report(`s${String(n)}`, 'a'), at(n));
    expect(new Set(reports.read(at(0)).map(({ source }) => source)).size).toBe(256);
  });

  it('is accepted only from the source that it names, in the right form', () => {
    const written = JSON.stringify(report('payments', 'a'));
    expect(parseReport('payments', written)).toEqual(report('payments', 'a'));
    for (const [source, text] of [
      ['accounts', written],
      ['payments', '{'],
      ['payments', written.replace('"pending":0', '"pending":-1')],
      ['payments', JSON.stringify({ ...report('payments', 'a'), padding: 'x'.repeat(40_000) })],
    ] as const)
      expect(parseReport(source, text)).toBeUndefined();
  });
});
