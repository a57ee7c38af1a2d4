import { Global, Module, type DynamicModule } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, DiscoveryModule } from '@nestjs/core';
import { type DpopNonces } from '@countersign/auth-core';
import { type Logger } from 'pino';
import { Background } from '../background.service.js';
import { HealthRegistry } from '../health/health.js';
import { HostController } from './host.controller.js';
import { createMetrics } from './metrics.js';
import { OpenApiDocument } from '../openapi/openapi.service.js';
import { ProblemFilter } from '../problems/problem.filter.js';
import { RecordedAnswers } from '../trail/recorded-answers.guard.js';
import { CLOCK, DPOP_NONCES, HEALTH, LOGGER, METRICS, RESOURCE_URL } from '../tokens.js';

/** What every service has: logger, clock, metrics, health, problem details and their routes. Imported by `startService`. */
@Global()
@Module({})
export class HostModule {
  static forRoot(options: {
    name: string;
    logger: Logger;
    version: string;
    resource: string | undefined;
    nonces: DpopNonces | undefined;
  }): DynamicModule {
    return {
      module: HostModule,
      imports: [DiscoveryModule],
      controllers: [HostController],
      providers: [
        { provide: LOGGER, useValue: options.logger },
        { provide: RESOURCE_URL, useValue: options.resource },
        { provide: DPOP_NONCES, useValue: options.nonces },
        { provide: METRICS, useFactory: () => createMetrics(options.name) },
        { provide: HEALTH, useFactory: () => new HealthRegistry() },
        { provide: CLOCK, useValue: () => new Date() },
        Background,
        OpenApiDocument,
        { provide: APP_FILTER, useClass: ProblemFilter },
        RecordedAnswers,
        { provide: APP_GUARD, useExisting: RecordedAnswers },
      ],
      exports: [Background, LOGGER, METRICS, HEALTH, CLOCK, DPOP_NONCES, RESOURCE_URL, OpenApiDocument],
    };
  }
}
