import { fileURLToPath } from 'node:url';
import { Module, type DynamicModule } from '@nestjs/common';
import { type z } from 'zod';
import { type ApiKeyClient } from './api-keys/api-keys.module.js';
import { AuditTrailModule } from './trail/audit-trail.module.js';
import { type resourceServerVariables } from './configuration.js';
import { databaseOf, issuerOf, natsOf } from './database/connection-settings.js';
import { DatabaseModule } from './database/database.module.js';
import { revocationFeedSettings } from './credentials/revocations.module.js';
import { ServiceAuthModule } from './credentials/service-auth.module.js';

/** What a resource server is made from. */
export interface ResourceServerOptions {
  /** The service's name: the audience that it accepts, and the source of its events. */
  readonly name: string;
  /** What `resourceServerVariables` read. */
  readonly configuration: z.infer<z.ZodObject<typeof resourceServerVariables>>;
  /** The folder of the service's migrations: `new URL('../migrations', import.meta.url)`. */
  readonly migrations: URL;
  /** As whom API keys are exchanged, where the service takes them ({@link ServiceAuthOptions}). */
  readonly apiKeys?: ApiKeyClient;
  /** As `DatabaseOptions` has it; off by default. */
  readonly pipeline?: boolean;
}

/** What every resource server begins with: the guard with its feed of revocations, the database, and the audit trail with its relay to NATS. */
@Module({})
export class ResourceServerModule {
  static forRoot({ name, configuration, migrations, apiKeys, pipeline = false }: ResourceServerOptions): DynamicModule {
    return {
      module: ResourceServerModule,
      imports: [
        ServiceAuthModule.forRoot({
          ...issuerOf(configuration),
          audience: name,
          apiKeys,
          revocations: revocationFeedSettings(configuration),
        }),
        DatabaseModule.forRoot({
          ...databaseOf(configuration),
          max: configuration.DATABASE_POOL_MAX,
          pipeline,
          migrationsFolder: fileURLToPath(migrations),
        }),
        AuditTrailModule.forRoot({
          source: name,
          keepHours: configuration.OUTBOX_KEEP_HOURS,
          nats: natsOf(configuration),
        }),
      ],
    };
  }
}
