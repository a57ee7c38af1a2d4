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
 * Says what waits of the usage of API keys, and what was lost: in metrics, as a note of readiness, and in the log whenever more was lost.
 * @returns measures what waits and checks whether more was lost; to be called now and then, because a scrape waits for nothing
 */
export function signalApiKeyUsage(
  keys: Pick<ApiKeys, 'lostUses'>,
  reports: Pick<ApiKeyReports, 'waiting' | 'lastError'>,
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
  health.addNote('api_key_usage', () => ({ lost: keys.lostUses, last_error: reports.lastError }));
  let logged = 0;
  return async () => {
    const lost = keys.lostUses;
    if (lost > logged) logger.warn({ lost, reason: reports.lastError }, 'uses of API keys could not be counted');
    logged = lost;
    // While the database is unavailable nobody knows; the last number stays.
    waiting.set(await reports.waiting());
  };
}
