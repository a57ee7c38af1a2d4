import { Controller, Get, Header, Inject, Module, Res, type DynamicModule } from '@nestjs/common';
import { Public, TOKEN_VERIFIER } from '@countersign/auth';
import { HealthRegistry, type HealthCheck, type HealthReport } from '../health/health.js';
import { watchKeys } from '../health/keys-health.js';
import { HEALTH } from '../tokens.js';

export { HealthRegistry, type HealthCheck, type HealthReport } from '../health/health.js';

/** `GET /health/live` and `GET /health/ready`, open to whatever monitors the process: they reveal nothing about anyone. */
@Public()
@Controller('health')
export class HealthController {
  constructor(@Inject(HEALTH) private readonly health: HealthRegistry) {}

  @Get('live')
  live(): { status: 'live' } {
    return { status: 'live' };
  }

  /** 503 with the same report while a check fails. */
  @Get('ready')
  @Header('cache-control', 'no-store')
  async ready(@Res({ passthrough: true }) reply: { status(code: number): unknown }): Promise<HealthReport> {
    const report = await this.health.report();
    if (report.status !== 'ready') reply.status(503);
    return report;
  }
}

/** What readiness checks and reports. */
export interface HealthOptions {
  /** By name: each resolves if its part is usable, and rejects with the reason if it is not. */
  readonly checks?: Readonly<Record<string, HealthCheck>>;
  /** By name: information that fails nothing as long as it can be read. */
  readonly notes?: Readonly<Record<string, () => unknown>>;
  /** Milliseconds that one check or note may take; 2,000 by default. */
  readonly timeoutMs?: number;
}

/**
 * Liveness and readiness, with the parts of the application as checks; beside `AuthModule` also the keys of its issuers (`issuer_keys`). Inject
 * {@link HealthRegistry} to add more.
 */
@Module({})
export class HealthModule {
  static forRoot({ checks = {}, notes = {}, timeoutMs }: HealthOptions = {}): DynamicModule {
    const registry = new HealthRegistry(timeoutMs);
    for (const [name, check] of Object.entries(checks)) registry.add(name, check);
    for (const [name, read] of Object.entries(notes)) registry.addNote(name, read);
    return {
      module: HealthModule,
      controllers: [HealthController],
      providers: [
        { provide: HEALTH, useValue: registry },
        { provide: HealthRegistry, useValue: registry },
        {
          provide: 'countersign.keys-health',
          inject: [{ token: TOKEN_VERIFIER, optional: true }],
          useFactory: (verifier?: object) => {
            watchKeys(registry, verifier);
            return true;
          },
        },
      ],
      exports: [HealthRegistry],
    };
  }
}
