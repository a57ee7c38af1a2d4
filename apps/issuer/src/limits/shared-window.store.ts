import type pg from 'pg';
import { RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible';
import { type SharedWindow } from './leased-limit.js';

/** Seconds of one window. */
export const WINDOW_SECONDS = 60;

/** A limit a minute, shared by the replicas through PostgreSQL. */
export class PostgresWindow implements SharedWindow {
  readonly #limiter: RateLimiterPostgres;

  constructor(
    pool: pg.Pool,
    name: string,
    private readonly perMinute: number,
  ) {
    this.#limiter = new RateLimiterPostgres({
      storeClient: pool,
      tableName: 'rate_limit',
      tableCreated: true,
      keyPrefix: name,
      points: perMinute,
      duration: WINDOW_SECONDS,
      clearExpiredByTimeout: true,
    });
  }

  async take(key: string, points: number): Promise<{ readonly granted: number; readonly endsInMs: number }> {
    try {
      const { msBeforeNext } = await this.#limiter.consume(key, points);
      return { granted: points, endsInMs: msBeforeNext };
    } catch (error) {
      if (!(error instanceof RateLimiterRes)) throw error;
      const before = error.consumedPoints - points;
      return { granted: Math.max(0, this.perMinute - before), endsInMs: error.msBeforeNext };
    }
  }
}
