import { fileURLToPath } from 'node:url';
import { Module, type DynamicModule } from '@nestjs/common';
import { type z } from 'zod';
import { type ApiKeyClient } from './api-keys/api-keys.module.js';
import { AuditTrailModule } from './trail/audit-trail.module.js';
import { type databaseVariables, type natsVariables, type resourceServerVariables } from './configuration.js';
import { databaseOf, issuerOf, natsOf } from './database/connection-settings.js';
import { DatabaseModule } from './database/database.module.js';
import { revocationFeedSettings } from './credentials/revocations.module.js';
import { ServiceAuthModule, type ServiceAuthOptions } from './credentials/service-auth.module.js';

type Variables = z.infer<z.ZodObject<typeof resourceServerVariables>>;

interface Parts<Configuration> {
  /** The service's name: the audience that it accepts, and the source of its events. */
  readonly name: string;
  readonly configuration: Configuration;
  /** The folder of the service's migrations: `new URL('../migrations', import.meta.url)`. */
  readonly migrations: URL;
  /** As `DatabaseOptions` has it; off by default. */
  readonly pipeline?: boolean;
}

/** What a resource server is made from: what `resourceServerVariables` read. */
export interface ResourceServerOptions extends Parts<Variables> {
  /** The client that exchanges API keys, if the service accepts them ({@link ServiceAuthOptions}). */
  readonly apiKeys?: ApiKeyClient;
}

/** A service that says itself whose tokens it accepts, as the issuer does: it reads `databaseVariables` and `natsVariables`. */
export interface OwnAuthOptions extends Parts<
  Pick<Variables, keyof typeof databaseVariables | keyof typeof natsVariables>
> {
  readonly auth: Omit<ServiceAuthOptions, 'audience'>;
}

const authOf = (options: ResourceServerOptions | OwnAuthOptions): Omit<ServiceAuthOptions, 'audience'> =>
  'auth' in options
    ? options.auth
    : {
        ...issuerOf(options.configuration),
        apiKeys: options.apiKeys,
        revocations: revocationFeedSettings(options.configuration),
      };

/** What every resource server begins with: the guard with its feed of revocations, the database, and the audit trail with its relay to NATS. */
@Module({})
export class ResourceServerModule {
  static forRoot(options: ResourceServerOptions | OwnAuthOptions): DynamicModule {
    const { name, configuration, migrations, pipeline = false } = options;
    return {
      module: ResourceServerModule,
      imports: [
        ServiceAuthModule.forRoot({ ...authOf(options), audience: name }),
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
