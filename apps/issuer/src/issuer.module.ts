import { Module, type DynamicModule } from '@nestjs/common';
import { TOKEN_VERIFIER } from '@countersign/auth';
import { MemoryRevocationList, type TokenVerifier } from '@countersign/auth-core';
import { AuditTrailModule, DatabaseModule, databaseOf, natsOf, ServiceAuthModule } from '@countersign/service-host';
import { fileURLToPath } from 'node:url';
import { ClientAuthentication, ISSUER_URL } from './clients/client-authentication.js';
import { TOKEN_LIFETIME_LIMIT } from './clients/client.js';
import { ClientsController, ClientsSchemaController } from './clients/clients.controller.js';
import { ClientsService } from './clients/clients.service.js';
import { ClientsStore } from './clients/clients.store.js';
import { RemoteKeys } from './clients/remote-keys.js';
import { SecretAuthentication } from './clients/secret-authentication.js';
import { UsedAssertions } from './clients/used-assertions.store.js';
import { type Configuration } from './configuration.js';
import { RecordedAuthentication } from './authentication/recorded-authentication.service.js';
import { IntrospectionController } from './introspection/introspection.controller.js';
import { IntrospectionService } from './introspection/introspection.service.js';
import { AuthenticationLimits, LIMIT_SETTINGS } from './limits/authentication-limits.js';
import { MetadataController } from './metadata/metadata.controller.js';
import { Begin } from './replica/begin.js';
import { FreshAdmin } from './replica/fresh-admin.js';
import { OwnKeys } from './replica/own-keys.js';
import { Replica } from './replica/replica.js';
import { JWKS_LIFETIME, JwksController } from './signing-keys/jwks.controller.js';
import { KEY_ENCRYPTION, LocalKeyEncryption } from './signing-keys/key-encryption.js';
import { KeyRotation, ROTATION_SETTINGS, type RotationSettings } from './signing-keys/key-rotation.js';
import { SIGNING_KEYS } from './signing-keys/key-set.js';
import { revocationControllers, revocationProviders } from './revocation/index.js';
import { SigningKeysController } from './signing-keys/signing-keys.controller.js';
import { SigningKeysService } from './signing-keys/signing-keys.service.js';
import { SigningKeysStore } from './signing-keys/signing-keys.store.js';
import { TokenExchange } from './token/grants/token-exchange.js';
import { TokenGrants } from './token/grants/token-grants.js';
import { Issuances } from './token/issuances.store.js';
import { SenderConstraint } from './token/sender-constraint.js';
import { SubjectTokens } from './token/subject-tokens.js';
import { TOKEN_LIFETIME, TokenDecisions } from './token/token-decisions.js';
import { TokenController } from './token/token.controller.js';
import { TokenService } from './token/token.service.js';

/** The audience of tokens for the issuer's own admin API. */
const AUDIENCE = 'issuer';
/** Seconds beyond a lifetime, for clocks and caches that are not exact. */
const MARGIN_SECONDS = 30;

function rotationSettings(configuration: Configuration): RotationSettings {
  const { KEY_ROTATION_SECONDS: rotation, JWKS_LIFETIME_SECONDS: jwks, SIGNING_ALGORITHM: algorithm } = configuration;
  const margin = Math.min(MARGIN_SECONDS, jwks);
  return {
    times: { rotation, publication: jwks + margin, retirement: TOKEN_LIFETIME_LIMIT + MARGIN_SECONDS },
    algorithm,
    lookEveryMs: Math.min(rotation * 250, 10_000),
  };
}

/** The issuer: who the clients are, what they may ask for, the keys that sign, the record of every token. */
@Module({})
export class IssuerModule {
  static forRoot(configuration: Configuration): DynamicModule {
    const ownKeys = new OwnKeys();
    const revoked = new MemoryRevocationList();
    const nats = natsOf(configuration);
    return {
      module: IssuerModule,
      imports: [
        DatabaseModule.forRoot({
          ...databaseOf(configuration),
          max: configuration.DATABASE_POOL_MAX,
          migrationsFolder: fileURLToPath(new URL('../migrations', import.meta.url)),
        }),
        AuditTrailModule.forRoot({
          source: 'issuer',
          keepHours: configuration.OUTBOX_KEEP_HOURS,
          nats,
        }),
        ServiceAuthModule.forRoot({
          issuer: configuration.ISSUER_URL,
          audience: AUDIENCE,
          // Answered within the process: nothing goes over a network.
          fetch: () => ownKeys.answer(),
          allowPlainHttp: true,
          revocations: revoked,
        }),
      ],
      controllers: [
        TokenController,
        JwksController,
        MetadataController,
        ClientsController,
        ClientsSchemaController,
        SigningKeysController,
        IntrospectionController,
        ...revocationControllers,
      ],
      providers: [
        { provide: ISSUER_URL, useValue: configuration.ISSUER_URL },
        { provide: TOKEN_LIFETIME, useValue: configuration.TOKEN_LIFETIME_SECONDS },
        { provide: JWKS_LIFETIME, useValue: configuration.JWKS_LIFETIME_SECONDS },
        { provide: KEY_ENCRYPTION, useValue: new LocalKeyEncryption(configuration.KEY_ENCRYPTION_KEYS) },
        { provide: ROTATION_SETTINGS, useValue: rotationSettings(configuration) },
        Replica,
        FreshAdmin,
        { provide: SIGNING_KEYS, useExisting: Replica },
        ClientsStore,
        ClientsService,
        RemoteKeys,
        SecretAuthentication,
        UsedAssertions,
        ClientAuthentication,
        RecordedAuthentication,
        IntrospectionService,
        SigningKeysStore,
        KeyRotation,
        SigningKeysService,
        {
          provide: LIMIT_SETTINGS,
          useValue: {
            perClient: configuration.RATE_LIMIT_CLIENT_PER_MINUTE,
            perAddress: configuration.RATE_LIMIT_ADDRESS_PER_MINUTE,
          },
        },
        AuthenticationLimits,
        SubjectTokens,
        TokenExchange,
        TokenGrants,
        SenderConstraint,
        TokenDecisions,
        Issuances,
        TokenService,
        ...revocationProviders(
          nats,
          { replicas: configuration.STREAM_REPLICAS, maxBytes: configuration.REVOCATION_BUCKET_BYTES },
          revoked,
        ),
        Begin,
        {
          provide: 'countersign.issuer.begun',
          inject: [Begin, Replica, TOKEN_VERIFIER],
          useFactory: async (begin: Begin, replica: Replica, guard: TokenVerifier): Promise<true> => {
            await begin.run(configuration.CLIENTS_FILE, configuration.SIGNING_KEY_IMPORT);
            ownKeys.use(replica);
            replica.onKeysChanged(() => void guard.loadKeys());
            await guard.loadKeys();
            return true;
          },
        },
      ],
    };
  }
}
