import { Module, type DynamicModule } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { HealthRegistry } from '../health/health.js';
import { loggerOfNest, type PartLogger } from '../problems/part-logger.js';
import { ProblemFilter } from '../problems/problem.filter.js';

export { type PartLogger } from '../problems/part-logger.js';
export { Problem, problemOf, type ProblemDocument } from '../problems/problem.js';

/** How problems are logged. */
export interface ProblemsOptions {
  /** Logs unexpected errors and an unavailable database; Nest's own logger by default. */
  readonly logger?: PartLogger;
}

/**
 * Answers every error as a problem document (RFC 9457) with a stable `code` and the request's id, on Fastify and on Express. An unexpected
 * error becomes a 500 that reveals nothing; one of PostgreSQL's becomes a 503 with `Retry-After`.
 */
@Module({})
export class ProblemsModule {
  static forRoot({ logger = loggerOfNest('Problems') }: ProblemsOptions = {}): DynamicModule {
    return {
      module: ProblemsModule,
      providers: [{ provide: APP_FILTER, useFactory: () => new ProblemFilter(logger, new HealthRegistry()) }],
    };
  }
}
