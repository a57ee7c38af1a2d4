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
 * Reports how much API key usage is waiting, refused or lost: in metrics, as a readiness note, and in the log whenever more was
 * refused or lost.
 * @returns a function that measures what is waiting and checks whether more was refused or lost; call it periodically, because a scrape does not wait
 */
export function signalApiKeyUsage(
  keys: Pick<ApiKeys, 'lostUses'>,
  reports: Pick<ApiKeyReports, 'waiting' | 'refused' | 'lastError'>,
  { metrics, health, logger }: Signals,
): () => Promise<void> {
  new Counter({
    name: 'api_key_uses_lost_total',
    help: 'Requests with an API key that were served but never counted, because their counts could not be stored in time.',
    registers: [metrics],
    collect(): void {
      this.reset();
      this.inc(keys.lostUses);
    },
  });
  const waiting = new Gauge({
    name: 'api_key_reports_waiting',
    help: 'API key usage reports, of all replicas, that the issuer does not have yet; at most 20,000.',
    registers: [metrics],
  });
  const refused = new Gauge({
    name: 'api_key_reports_refused',
    help: 'API key usage reports, of all replicas, that the issuer refused in the last 30 days, at most 1,000; their uses are not counted.',
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
    // While the database is unavailable the last numbers stay.
    waiting.set(await reports.waiting());
    const { count, status } = await reports.refused();
    refused.set(count);
    if (count > known.refused)
      logger.warn({ refused: count, status }, 'the issuer refuses API key usage reports; they are set aside');
    known = { lost, refused: count };
  };
}
