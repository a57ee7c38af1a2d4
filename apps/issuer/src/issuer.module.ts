import { Module, type DynamicModule } from '@nestjs/common';
import { AuditTrailModule, CLOCK, DatabaseModule } from '@countersign/service-host';
import { fileURLToPath } from 'node:url';
import { AssertionPruning } from './clients/assertion-pruning.js';
import { ClientAuthentication, ISSUER_URL } from './clients/client-authentication.js';
import { CLIENTS, readClients } from './clients/clients-file.js';
import { type Configuration } from './configuration.js';
import { MetadataController } from './metadata/metadata.controller.js';
import { JwksController } from './signing-keys/jwks.controller.js';
import { readSigningKeys, SIGNING_KEYS, type SigningKeys } from './signing-keys/signing-key.js';
import { SubjectTokens } from './token/subject-tokens.js';
import { TokenController } from './token/token.controller.js';
import { TOKEN_LIFETIME, TokenService } from './token/token.service.js';

/** The issuer: who the clients are, what they may ask for, the keys that sign, the record of every token. */
@Module({})
export class IssuerModule {
  static forRoot(configuration: Configuration): DynamicModule {
    return {
      module: IssuerModule,
      imports: [
        DatabaseModule.forRoot({
          url: configuration.DATABASE_URL,
          max: configuration.DATABASE_POOL_MAX,
          migrationsFolder: fileURLToPath(new URL('../migrations', import.meta.url)),
        }),
        AuditTrailModule.forRoot({
          source: 'issuer',
          nats: {
            url: configuration.NATS_URL,
            user: configuration.NATS_USER,
            password: configuration.NATS_PASSWORD,
          },
        }),
      ],
      controllers: [TokenController, JwksController, MetadataController],
      providers: [
        { provide: ISSUER_URL, useValue: configuration.ISSUER_URL },
        { provide: TOKEN_LIFETIME, useValue: configuration.TOKEN_LIFETIME_SECONDS },
        { provide: CLIENTS, useFactory: () => readClients(configuration.CLIENTS_FILE) },
        { provide: SIGNING_KEYS, useFactory: () => readSigningKeys(configuration.SIGNING_KEYS_FILE) },
        {
          provide: SubjectTokens,
          inject: [ISSUER_URL, SIGNING_KEYS, CLOCK],
          useFactory: (issuer: string, keys: SigningKeys, clock: () => Date) => new SubjectTokens(issuer, keys, clock),
        },
        ClientAuthentication,
        AssertionPruning,
        TokenService,
      ],
    };
  }
}
