import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { gracefulStop } from './graceful-stop.js';
import { HealthRegistry } from '../health/health.js';

describe('SIGTERM', () => {
  const logger = pino({ level: 'silent' });

  it('first fails readiness and closes nothing until the drain ends, whatever other signals come', async () => {
    const health = new HealthRegistry();
    const seen: string[] = [];
    const ended = new Promise<number>((exit) => {
      const stop = gracefulStop({
        health,
        logger,
        drainMs: 300,
        timeoutMs: 60_000,
        close: () => {
          seen.push('closed');
          return Promise.resolve();
        },
        exit,
      });
      stop('SIGTERM');
      stop('SIGINT');
    });
    expect(await health.report()).toMatchObject({
      status: 'not_ready',
      checks: { stopping: 'the service is stopping' },
    });
    expect(seen).toEqual([]);
    expect(await ended).toBe(0);
    expect(seen).toEqual(['closed']);
  });

  it('ends the process with 1 when closing fails, or takes longer than it may', async () => {
    const code = (close: () => Promise<void>): Promise<number> =>
      new Promise((exit) => {
        gracefulStop({ health: new HealthRegistry(), logger, drainMs: 0, timeoutMs: 100, close, exit })('SIGTERM');
      });
    expect(await code(() => Promise.reject(new Error('no')))).toBe(1);
    expect(await Promise.race([code(() => new Promise(() => undefined)), delay(30_000, 2, { ref: false })])).toBe(1);
  });
});
