import { Module, type DynamicModule } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { loggerOfNest, type PartLogger } from '../problems/part-logger.js';
import { Refusals, REFUSALS_OPTIONS, type RefusalsOptions } from '../trail/refusals.service.js';
import { AUDIT_OUTBOX, CLOCK, LOGGER } from '../tokens.js';

export { type PartLogger } from '../problems/part-logger.js';
export { REFUSAL_LIMIT_PER_MINUTE, Refusals, type RefusalsOptions } from '../trail/refusals.service.js';

/** The service that refuses, and the outbox that records it. */
export interface RefusalTrailOptions extends RefusalsOptions {
  /** In the service's own database. */
  readonly outbox: AuditOutbox;
  /** Logs when counted refusals cannot be recorded; Nest's own logger by default. */
  readonly logger?: PartLogger;
}

/** Provides {@link Refusals}: pass its `record` to the guard as `onRefused`, and each refusal is recorded before it is answered. */
@Module({})
export class RefusalTrailModule {
  static forRoot({ outbox, logger = loggerOfNest('Refusals'), ...options }: RefusalTrailOptions): DynamicModule {
    return {
      module: RefusalTrailModule,
      providers: [
        { provide: REFUSALS_OPTIONS, useValue: options },
        { provide: AUDIT_OUTBOX, useValue: outbox },
        { provide: CLOCK, useValue: () => new Date() },
        { provide: LOGGER, useValue: logger },
        Refusals,
      ],
      exports: [Refusals],
    };
  }
}
