import { setTimeout as delay } from 'node:timers/promises';
import { type Logger } from 'pino';
import { type HealthRegistry } from '../health/health.js';

export interface GracefulStopOptions {
  readonly health: HealthRegistry;
  readonly logger: Pick<Logger, 'info' | 'error'>;
  /** Milliseconds in which readiness fails and requests are still answered. */
  readonly drainMs: number;
  /** Milliseconds that closing may take after that. */
  readonly timeoutMs: number;
  /** Finishes what is in flight and releases everything. */
  readonly close: () => Promise<void>;
  readonly exit: (code: number) => void;
}

/**
 * Handles a signal: first readiness fails, so that nobody sends anything new here; after the drain nothing new is accepted, and what is in flight
 * finishes. A second signal changes nothing.
 */
export function gracefulStop(options: GracefulStopOptions): (signal: NodeJS.Signals) => void {
  const { health, logger, drainMs, timeoutMs, close, exit } = options;
  const stop = async (): Promise<void> => {
    await delay(drainMs);
    await close();
  };
  let stopping = false;
  return (signal) => {
    if (stopping) return;
    stopping = true;
    health.add('stopping', () => {
      throw new Error('the service is stopping');
    });
    logger.info({ signal, drain_ms: drainMs }, 'stopping');
    setTimeout(() => {
      logger.error('the graceful stop took too long');
      exit(1);
    }, drainMs + timeoutMs).unref();
    stop().then(
      () => {
        logger.info('stopped');
        exit(0);
      },
      (error: unknown) => {
        logger.error({ err: error }, 'the graceful stop failed');
        exit(1);
      },
    );
  };
}
