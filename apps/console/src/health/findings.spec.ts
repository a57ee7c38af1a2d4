import { announcementOf, findingsOf, missingText, spanText } from './findings.js';
import { overviewSchema, type Overview } from './health-answers.js';
import { sourcesOf, type Report } from './source-health.js';

const own: Report = {
  source: 'audit',
  replica: 'audit/1',
  heard_at: '2026-11-26T12:00:00.000Z',
  status: 'ready',
  failing: [],
  outbox: { pending: 2, oldest_seconds: 1, last_error: null },
  revocation_feed: { state: 'current', lag_ms: null },
};
const well: Overview = {
  at: '2026-11-26T12:00:00.000Z',
  sources: [
    {
      source: 'issuer',
      through: '9',
      missing: [],
      gap_since: null,
      alert: false,
      advanced_at: '2026-11-26T11:59:59.000Z',
    },
  ],
  reports: { since: '2026-11-26T10:00:00.000Z', own, received: [] },
  dead_letters: { waiting: 0, oldest_at: null },
  log: { size: '100', covered: '100', indexed: '100', signed_at: '2026-11-26T10:00:00.000Z' },
  retention: { days: null, first_index: '0', segments: 0, last_sealed_at: null },
  replica: {
    status: 'ready',
    checks: { database: 'ok' },
    notes: {
      intake: { consuming: true, waiting: 0, lag_ms: 3, stream_fill: 0.1, last_error: null },
      revocation_feed: { state: 'current', entries: 0, lagMs: null, lastError: null },
    },
  },
};
const subjects = (change: Partial<Overview>) => findingsOf({ ...well, ...change }).map(({ subject }) => subject);

describe('the health of the trail', () => {
  it('has nothing to find while all is well, also when an old checkpoint covers everything', () => {
    expect(findingsOf(well)).toEqual([]);
    expect(announcementOf([])).toBe('No problems found.');
  });

  it('names a source whose numbers are missing, and counts them', () => {
    const gap = { source: 'payments', through: '7', gap_since: '2026-11-26T11:00:00.000Z', advanced_at: null };
    const missing = [
      { first: '8', last: '9' },
      { first: '90071992547409930', last: '90071992547409932' },
    ];
    const state = { ...gap, missing, alert: true };
    expect(missingText(state)).toBe('5');
    expect(findingsOf({ ...well, sources: [state] })[0]?.text).toMatch(/^Numbers of payments .*: 5\.$/);
    // The server says the first hundred ranges only.
    const hundred = Array.from({ length: 100 }, (_, at) => ({ first: String(at * 2), last: String(at * 2) }));
    expect(missingText({ ...state, missing: hundred })).toBe('at least 100');
    expect(subjects({ sources: [{ ...state, alert: false }] })).toEqual([]);
  });

  it('finds events that wait for a checkpoint, once the newest is old', () => {
    const log = { ...well.log, covered: '99' };
    expect(subjects({ log })).toEqual(['log']);
    expect(subjects({ log: { ...log, signed_at: '2026-11-26T11:59:30.000Z' } })).toEqual([]);
    expect(subjects({ log: { ...log, covered: '0', signed_at: null } })).toEqual(['log']);
  });

  it('finds what the replica says of its intake, its outbox and its feed, and nothing where it says nothing', () => {
    const notes: Overview['replica']['notes'] = {
      intake: { consuming: false, waiting: null, lag_ms: 0, stream_fill: 0.9, last_error: 'away' },
      revocation_feed: { state: 'lost', entries: 0, lagMs: null, lastError: 'away' },
    };
    const replica = { status: 'not_ready', checks: { database: 'away' }, notes } as const;
    const reported: Report = {
      ...own,
      status: 'not_ready',
      failing: [{ check: 'database', reason: 'away' }],
      outbox: { pending: 1, oldest_seconds: 61, last_error: 'no connection to NATS' },
      revocation_feed: { state: 'lost', lag_ms: null },
    };
    expect(subjects({ replica, reports: { since: null, own: reported, received: [] } })).toEqual([
      'intake',
      'intake',
      'outbox',
      'outbox',
      'replica',
      'feed',
    ]);
    expect(subjects({ replica: { status: 'ready', checks: {}, notes: {} } })).toEqual([]);
  });

  const report: Report = {
    source: 'payments',
    replica: 'a/1',
    heard_at: '2026-11-26T11:59:58.000Z',
    status: 'ready',
    failing: [],
    outbox: { pending: 0, oldest_seconds: 0, last_error: null },
    revocation_feed: { state: 'current', lag_ms: 3 },
  };
  const heard = (...received: Report[]): Overview => ({ ...well, reports: { since: null, own, received } });
  const texts = (overview: Overview) => findingsOf(overview).map(({ text }) => text);

  it('finds what another service reports of its outbox, its feed and its checks, with the replica where there are several', () => {
    expect(texts(heard(report))).toEqual([]);
    const late = { pending: 1_200, oldest_seconds: 180, last_error: 'no responders' };
    expect(texts(heard({ ...report, outbox: late, revocation_feed: { state: 'lost', lag_ms: null } }))).toEqual([
      '1,200 events wait in the outbox of payments, the oldest for 3 min (no responders).',
      'payments is not receiving revocations at the moment.',
    ]);
    const failing = [{ check: 'database', reason: 'away' }];
    const other: Report = { ...report, replica: 'b/1', status: 'not_ready', failing, revocation_feed: null };
    expect(texts(heard(report, other))).toEqual(['payments (b/1) is not ready: database: away']);
  });

  it('finds a source that stopped reporting, not a replica that was replaced, nor a source that never reports', () => {
    const gone: Report = { ...report, heard_at: '2026-11-26T11:57:00.000Z', failing: [{ check: 'x', reason: 'y' }] };
    expect(texts(heard(gone))).toEqual([
      'payments has not reported for 3 min: it has stopped, or it has no connection to NATS.',
    ]);
    expect(texts(heard(gone, { ...report, replica: 'b/1' }))).toEqual([]);
    expect(sourcesOf(heard()).map(({ source, silent }) => [source, silent])).toEqual([
      ['audit', false],
      ['issuer', false],
    ]);
  });

  it('counts dead letters, and announces everything in one sentence', () => {
    const findings = findingsOf({ ...well, dead_letters: { waiting: 1, oldest_at: '2026-11-26T11:00:00.000Z' } });
    expect(announcementOf(findings)).toBe('1 finding: 1 dead letter waits for a decision.');
    const many = findingsOf({ ...well, dead_letters: { waiting: 10_000, oldest_at: '2026-11-26T11:00:00.000Z' } });
    expect(announcementOf(many)).toBe('1 finding: At least 10,000 dead letters wait for a decision.');
  });

  it('says a length of time in words', () => {
    expect([1.4, 89, 90, 5_399, 5_400, 200_000].map(spanText)).toEqual([
      '1 s',
      '89 s',
      '2 min',
      '90 min',
      '2 h',
      '2 days',
    ]);
  });

  it('reads what the server sends, whatever further notes it has', () => {
    const sent = {
      ...well,
      replica: { ...well.replica, notes: { ...well.replica.notes, receipts: { last_error: null } } },
    };
    expect(overviewSchema.safeParse(sent).success).toBe(true);
  });
});
