import type pg from 'pg';
import { type RateLimiterPostgres } from 'rate-limiter-flexible';
import { type SharedWindow } from './leased-limit.js';

/** Seconds of one window. */
const WINDOW_SECONDS = 60;

// Loaded for the first limited request, not at startup: the package has limiters for 20 other stores too.
const loadLimiters = () => import('rate-limiter-flexible');

/** A limit per minute, shared by the replicas through PostgreSQL. */
export class PostgresWindow implements SharedWindow {
  #limiter: RateLimiterPostgres | undefined;

  constructor(
    private readonly pool: pg.Pool,
    private readonly name: string,
    private readonly perMinute: number,
  ) {}

  async take(key: string, points: number): Promise<{ readonly granted: number; readonly endsInMs: number }> {
    const { RateLimiterPostgres, RateLimiterRes } = await loadLimiters();
    this.#limiter ??= new RateLimiterPostgres({
      storeClient: this.pool,
      tableName: 'rate_limit',
      tableCreated: true,
      keyPrefix: this.name,
      points: this.perMinute,
      duration: WINDOW_SECONDS,
      clearExpiredByTimeout: true,
    });
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
