import { Problem, type Background, type BackgroundTask } from '@countersign/service-host';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { type ReconciliationService, type ReportJson } from './reconciliation.service.js';
import { ReconciliationWorker } from './reconciliation.worker.js';

const report: ReportJson = {
  ok: true,
  started_at: '2026-01-02T03:00:00.000Z',
  finished_at: '2026-01-02T03:00:01.000Z',
  payments: 0,
  refunds: 0,
  transfers: 0,
  differences: { TRANSFER_MISSING: 0, TRANSFER_DIFFERS: 0, RECORD_BEHIND: 0, RECORD_MISSING: 0 },
  repaired: 0,
  shown: [],
};

describe('the nightly comparison', () => {
  let now = new Date('2026-01-01T12:00:00Z');
  let answer: (signal?: AbortSignal) => Promise<ReportJson> = () => Promise.resolve(report);
  let runs = 0;
  let round: BackgroundTask['run'] = () => Promise.resolve(undefined);
  const minute = () => round(new AbortController().signal);
  beforeEach(() => {
    now = new Date('2026-01-01T12:00:00Z');
    runs = 0;
    const reconciliation: Pick<ReconciliationService, 'run'> = {
      run: ({ signal }) => {
        runs += 1;
        return answer(signal);
      },
    };
    const background: Pick<Background, 'repeat'> = {
      repeat: ({ run }) => {
        round = run;
        return { wake: () => undefined };
      },
    };
    new ReconciliationWorker(
      reconciliation,
      'payments',
      3,
      () => now,
      pino({ level: 'silent' }),
      new Registry(),
      background,
    );
  });

  it('is repeated in a minute if accounts does not respond, and its task fails until then', async () => {
    answer = () => Promise.reject(new Problem(503, 'ACCOUNTS_UNAVAILABLE', 'No answer.'));
    await minute();
    expect(runs).toBe(0);
    now = new Date('2026-01-02T03:00:30Z');
    for (const run of [1, 2]) {
      await expect(minute()).rejects.toMatchObject({ code: 'ACCOUNTS_UNAVAILABLE' });
      expect(runs).toBe(run);
    }
    answer = () => Promise.resolve(report);
    for (let more = 0; more < 3; more += 1) await minute();
    expect(runs).toBe(3);
    now = new Date('2026-01-03T03:00:00Z');
    await minute();
    expect(runs).toBe(4);
  });

  it('is given up when the service stops', async () => {
    answer = (signal) => Promise.reject(signal?.aborted === true ? new Error('stopped') : new Error('it continues'));
    now = new Date('2026-01-02T03:00:30Z');
    await expect(round(AbortSignal.abort())).rejects.toThrow('stopped');
  });

  it('is left to the replica that is running it', async () => {
    answer = () => Promise.reject(new Problem(409, 'RECONCILIATION_RUNNING', 'Another replica is doing it.'));
    now = new Date('2026-01-02T03:00:30Z');
    for (let more = 0; more < 3; more += 1) await minute();
    expect(runs).toBe(1);
  });
});
