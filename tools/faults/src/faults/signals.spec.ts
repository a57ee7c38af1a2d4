import fc from 'fast-check';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { signalsIn, newSince } from './signals.js';
import { signalsTable, writeSignalsTable } from './signals-table.js';

const names = (readiness: unknown, metrics = ''): readonly string[] =>
  signalsIn(readiness, metrics).signals.map(({ kind, name }) => `${kind} ${name}`);

describe('the signals of a service', () => {
  it('is silent about what is well, whatever the numbers are', () => {
    const readiness = {
      status: 'ready',
      checks: { database: 'ok' },
      notes: { audit_relay: { connected: true, lastError: null }, accounts_circuit: 'closed' },
    };
    fc.assert(
      fc.property(fc.nat(999), fc.double({ min: 0, max: 0.5, noNaN: true }), (waiting, fill) => {
        const metrics = `# HELP x\naudit_intake_waiting{service="audit"} ${String(waiting)}\naudit_relay_connected{service="audit"} 1
audit_stream_bytes ${String(fill * 1_000)}\naudit_stream_limit_bytes 1000\n`;
        expect(names(readiness, metrics)).toEqual([]);
      }),
    );
  });

  it('is a check that fails, a note that says so, a metric beyond its bound', () => {
    const readiness = {
      checks: { database: 'ECONNREFUSED', issuer_keys: 'ok' },
      notes: { audit_relay: { connected: false, lastError: 'no responders' }, intake: { consuming: false } },
    };
    expect(names(readiness, 'audit_outbox_oldest_seconds{service="x"} 2.5\naudit_relay_connected 0\n')).toEqual([
      'check database',
      'note audit_relay.connected',
      'note audit_relay.lastError',
      'note intake.consuming',
      'metric audit_outbox_oldest_seconds',
      'metric audit_relay_connected',
    ]);
    const full = 'metric audit_stream_bytes / audit_stream_limit_bytes';
    expect(names({}, 'audit_stream_bytes 6\naudit_stream_limit_bytes 10\n')).toEqual([full]);
    expect(names({}, 'audit_stream_bytes NaN\naudit_stream_limit_bytes NaN\n')).toEqual([full]);
  });

  it('is new when it was not there before, or when a counter has risen', () => {
    const count = (status: number, requests: number, route = '/payments'): string =>
      `http_request_duration_seconds_count{method="GET",route="${route}",status="${String(status)}",service="x"} ${String(requests)}\n`;
    const before = signalsIn({ checks: { database: 'no' } }, count(503, 2) + count(200, 5) + count(401, 1));
    const same = signalsIn({ checks: { database: 'no' } }, count(503, 2) + count(200, 9) + count(401, 1));
    expect(newSince(before, same)).toEqual([]);
    const worse = signalsIn(
      { checks: { database: 'no', revocations: 'lost' } },
      count(503, 2) + count(500, 1) + count(401, 2) + count(429, 1) + count(503, 9, '/health/ready'),
    );
    expect(newSince(before, worse).map(({ name }) => name)).toEqual([
      'revocations',
      'http_request_duration_seconds_count{status="5.."}',
      'http_request_duration_seconds_count{status="401"}',
      'http_request_duration_seconds_count{status="429"}',
    ]);
  });
});

describe('the table of signals', () => {
  const struck = [
    {
      fault: 'nats-stopped',
      signals: [
        { service: 'audit', kind: 'note', name: 'audit_relay.connected', seconds: 0.4 },
        { service: 'payments', kind: 'note', name: 'audit_relay.connected', seconds: 0.2 },
        { service: 'payments', kind: 'metric', name: 'audit_relay_connected', seconds: 2 },
      ],
    },
    { fault: 'client-key-rotated', signals: [] },
  ] as const;
  const folder = mkdtempSync(join(tmpdir(), 'countersign-signals-'));
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('has a row for each fault, with the services and the seconds until the first of them showed it', () => {
    expect(signalsTable(struck).split('\n').slice(2)).toEqual([
      '| `nats-stopped` | – | `audit_relay.connected` (audit, payments; 0.2 s) | `audit_relay_connected` (payments; 2.0 s) |',
      '| `client-key-rotated` | – | – | – |',
    ]);
  });

  it('goes to its place in a page, and nowhere else; a run of some faults leaves the rows of the others', () => {
    const page = join(folder, 'page.md');
    writeFileSync(page, '# Page\n\n<!-- signals -->\nold\n<!-- /signals -->\n\nEnd\n');
    writeSignalsTable(page, struck);
    expect(readFileSync(page, 'utf8')).toBe(
      `# Page\n\n<!-- signals -->\n\n${signalsTable(struck)}\n\n<!-- /signals -->\n\nEnd\n`,
    );
    writeSignalsTable(page, [{ fault: 'client-key-rotated', signals: [struck[0].signals[1]] }]);
    expect(readFileSync(page, 'utf8').split('\n').slice(6, 8)).toEqual([
      signalsTable(struck).split('\n')[2],
      '| `client-key-rotated` | – | `audit_relay.connected` (payments; 0.2 s) | – |',
    ]);
    writeFileSync(page, 'no place');
    expect(() => {
      writeSignalsTable(page, struck);
    }).toThrow(/has no place for the table/);
  });
});
