import { Registry } from 'prom-client';
import { signalApiKeyUsage } from './api-key-signals.js';
import { HealthRegistry } from '../health/health.js';

describe('what becomes of the usage of API keys', () => {
  it('is in metrics and readiness, and in the log whenever more was refused or lost', async () => {
    const [metrics, health] = [new Registry(), new HealthRegistry()];
    const keys = { lostUses: 0 };
    const refused = { count: 0, status: null as number | null };
    const reports = {
      lastError: null as string | null,
      waiting: () => Promise.resolve(17),
      refused: () => Promise.resolve(refused),
    };
    const lines: unknown[] = [];
    const logger = { warn: (fields: unknown) => lines.push(fields) };
    const measure = signalApiKeyUsage(keys, reports, { metrics, health, logger });
    await measure();
    const shown = async () => (await metrics.metrics()).split('\n').filter((line) => /^api_key/.test(line));
    expect(await shown()).toEqual([
      'api_key_uses_lost_total 0',
      'api_key_reports_waiting 17',
      'api_key_reports_refused 0',
    ]);
    await measure();
    await measure();
    expect(lines).toEqual([]);
    keys.lostUses = 5;
    reports.lastError = '20000 reports are already waiting for the issuer';
    expect(await shown()).toContain('api_key_uses_lost_total 5');
    expect((await health.report()).notes['api_key_usage']).toEqual({
      lost: 5,
      refused: 0,
      last_error: reports.lastError,
    });
    await measure();
    await measure();
    expect(lines).toEqual([{ lost: 5, reason: reports.lastError }]);
    Object.assign(refused, { count: 2, status: 400 });
    await measure();
    await measure();
    expect(await shown()).toContain('api_key_reports_refused 2');
    expect((await health.report()).notes['api_key_usage']).toMatchObject({ refused: 2 });
    expect(lines.slice(1)).toEqual([{ refused: 2, status: 400 }]);
    reports.waiting = () => Promise.reject(new Error('away'));
    await expect(measure()).rejects.toThrow('away');
    expect(await shown()).toContain('api_key_reports_waiting 17');
  });
});
