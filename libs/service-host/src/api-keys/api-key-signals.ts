import { type ApiKeys } from '@countersign/auth-core';
import { Counter, Gauge, type Registry } from 'prom-client';
import { type Logger } from 'pino';
import { type ApiKeyReports } from './api-key-reports.store.js';
import { type HealthRegistry } from '../health/health.js';

/** Where the signals go. */
export interface Signals {
  readonly metrics: Registry;
  readonly health: HealthRegistry;
  readonly logger: Pick<Logger, 'warn'>;
}

/**
 * Says what waits of the usage of API keys, what was refused and what was lost: in metrics, as a note of readiness, and in the log whenever more was
 * refused or lost.
 * @returns measures what waits and checks whether more was refused or lost; to be called now and then, because a scrape waits for nothing
 */
export function signalApiKeyUsage(
  keys: Pick<ApiKeys, 'lostUses'>,
  reports: Pick<ApiKeyReports, 'waiting' | 'refused' | 'lastError'>,
  { metrics, health, logger }: Signals,
): () => Promise<void> {
  new Counter({
    name: 'api_key_uses_lost_total',
    help: 'Requests with an API key that were served and never counted, because what was counted could not be kept for long.',
    registers: [metrics],
    collect(): void {
      this.reset();
      this.inc(keys.lostUses);
    },
  });
  const waiting = new Gauge({
    name: 'api_key_reports_waiting',
    help: 'Reports on the use of API keys, of all replicas, that the issuer does not have yet; at most 20,000.',
    registers: [metrics],
  });
  const refused = new Gauge({
    name: 'api_key_reports_refused',
    help: 'Reports on the use of API keys, of all replicas, that the issuer refused in the last 30 days, at most 1,000: they are not counted.',
    registers: [metrics],
  });
  let known = { lost: 0, refused: 0 };
  health.addNote('api_key_usage', () => ({
    lost: keys.lostUses,
    refused: known.refused,
    last_error: reports.lastError,
  }));
  return async () => {
    const lost = keys.lostUses;
    if (lost > known.lost) logger.warn({ lost, reason: reports.lastError }, 'uses of API keys could not be counted');
    known = { ...known, lost };
    // While the database is unavailable nobody knows; the last numbers stay.
    waiting.set(await reports.waiting());
    const { count, status } = await reports.refused();
    refused.set(count);
    if (count > known.refused)
      logger.warn({ refused: count, status }, 'the issuer refuses reports on API keys; they are put aside');
    known = { lost, refused: count };
  };
}
