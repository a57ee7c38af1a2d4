import { sourceReportOf, thisReplica } from './source-report.js';

const relay = { connected: true, pending: 3, oldest_seconds: 2, lastError: null };
const reportOf = (notes: Readonly<Record<string, unknown>>) =>
  sourceReportOf({ status: 'ready', checks: { database: 'ok' }, notes });

describe('what a service reports of itself', () => {
  it('says why its events wait: what the relay met, or that it has no connection', () => {
    const errors = [relay, { ...relay, lastError: 'no stream' }, { ...relay, connected: false }].map(
      (note) => reportOf({ audit_relay: note }).outbox.last_error,
    );
    expect(errors).toEqual([null, 'no stream', 'no connection to NATS']);
  });

  it('names the checks that fail, and leaves out what the service has not', () => {
    expect(sourceReportOf({ status: 'not_ready', checks: { database: 'ok', nats: 'away' }, notes: {} })).toEqual({
      replica: thisReplica,
      status: 'not_ready',
      failing: [{ check: 'nats', reason: 'away' }],
      outbox: { pending: 0, oldest_seconds: 0, last_error: null },
      revocation_feed: null,
    });
  });
});
