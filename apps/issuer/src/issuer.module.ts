import { Module, type DynamicModule } from '@nestjs/common';
import { TOKEN_VERIFIER } from '@countersign/auth';
import { MemoryRevocationList, type TokenVerifier } from '@countersign/auth-core';
import { OAUTH_ROUTES, keyedAnswers, natsOf, ResourceServerModule } from '@countersign/service-host';
import { apiKeyControllers, apiKeyProviders } from './api-key-admin/index.js';
import { type ApiKeySettings } from './api-keys/new-api-key.js';
import { HINTS } from './authorization/id-token-hints.js';
import { authenticationProviders } from './authentication/index.js';
import { authorizationControllers, authorizationProviders } from './authorization/index.js';
import { clientControllers, clientProviders } from './clients/index.js';
import { type Configuration } from './configuration.js';
import { delegationProviders } from './delegations/index.js';
import { DescribedClients } from './described-clients/described-clients.store.js';
import { deviceControllers, deviceProviders } from './device/index.js';
import { keyedEvents } from './idempotency/keyed-events.js';
import { SealedAnswers } from './idempotency/sealed-answers.service.js';
import { IntrospectionController } from './introspection/introspection.controller.js';
import { IntrospectionService } from './introspection/introspection.service.js';
import { ISSUER_URL } from './issuer-url.js';
import { MetadataController } from './metadata/metadata.controller.js';
import { registryProviders } from './registry/index.js';
import { LocalKeyEncryption } from './registry/key-encryption.js';
import { ISSUER_AUDIENCE } from './registry/people-policy.js';
import { OwnKeys } from './registry/own-keys.js';
import { Replica } from './registry/replica.service.js';
import { revocationControllers, revocationProviders } from './revocation/index.js';
import { revocationAdminControllers, revocationAdminProviders } from './revocation-admin/index.js';
import { revocationPreviewControllers, revocationPreviewProviders } from './revocation-preview/index.js';
import { sessionProviders } from './sessions/index.js';
import { accountControllers, accountProviders } from './account/index.js';
import { IdTokenHints } from './logout/id-token-hint.service.js';
import { logoutControllers, logoutProviders } from './logout/index.js';
import { logoutNoticeProviders } from './logout-notices/index.js';
import { delegationAdminControllers, delegationAdminProviders } from './delegation-admin/index.js';
import { peopleAdminControllers, peopleAdminProviders } from './people-admin/index.js';
import { signingKeyControllers, signingKeyProviders } from './signing-keys/index.js';
import { signInControllers, signInProviders } from './sign-in/index.js';
import { openidControllers, openidProviders } from './openid/index.js';
import { refreshProviders } from './refresh/index.js';
import { Startup } from './startup/startup.service.js';
import { tokenControllers, tokenProviders } from './token/index.js';
import { TokenRevocationController } from './token-revocation/token-revocation.controller.js';
import { TokenRevocationService } from './token-revocation/token-revocation.service.js';

function apiKeySettings(configuration: Configuration): ApiKeySettings {
  return {
    environment: configuration.API_KEY_ENVIRONMENT,
    lifetimeDays: configuration.API_KEY_LIFETIME_DAYS,
    lifetimeLimitDays: configuration.API_KEY_LIFETIME_LIMIT_DAYS,
    warningDays: configuration.API_KEY_WARNING_DAYS,
    perClient: configuration.API_KEYS_PER_CLIENT,
  };
}

/** The issuer: its clients, what they may request, the signing keys, and the record of every token. */
@Module({})
export class IssuerModule {
  static forRoot(configuration: Configuration): DynamicModule {
    const ownKeys = new OwnKeys();
    const revoked = new MemoryRevocationList();
    const nats = natsOf(configuration);
    return {
      module: IssuerModule,
      // For the host's exception filter.
      global: true,
      exports: [OAUTH_ROUTES],
      imports: [
        ResourceServerModule.forRoot({
          name: ISSUER_AUDIENCE,
          configuration,
          migrations: new URL('../migrations', import.meta.url),
          auth: {
            issuer: configuration.ISSUER_URL,
            // What DPoP proofs for userinfo name (RFC 9449), unless RESOURCE_URL says otherwise.
            resource: configuration.ISSUER_URL,
            // Answered within the process, without a network.
            fetch: () => ownKeys.answer(),
            allowPlainHttp: true,
            revocations: revoked,
          },
        }),
      ],
      controllers: [
        ...tokenControllers,
        IntrospectionController,
        ...authorizationControllers,
        ...deviceControllers,
        ...revocationControllers,
        ...revocationAdminControllers,
        ...revocationPreviewControllers,
        TokenRevocationController,
        MetadataController,
        ...openidControllers,
        ...clientControllers,
        ...apiKeyControllers,
        ...signingKeyControllers,
        ...signInControllers,
        ...logoutControllers,
        ...accountControllers,
        ...peopleAdminControllers,
        ...delegationAdminControllers,
      ],
      providers: [
        { provide: OAUTH_ROUTES, useValue: '/oauth2/' },
        { provide: ISSUER_URL, useValue: configuration.ISSUER_URL },
        ...registryProviders({
          encryption: new LocalKeyEncryption(configuration.KEY_ENCRYPTION_KEYS),
          revoked,
          documentTargets: configuration.CLIENT_DOCUMENT_TARGETS,
        }),
        ...signingKeyProviders({
          rotation: configuration.KEY_ROTATION_SECONDS,
          jwks: configuration.JWKS_LIFETIME_SECONDS,
          algorithm: configuration.SIGNING_ALGORITHM,
        }),
        ...authenticationProviders({
          perClient: configuration.RATE_LIMIT_CLIENT_PER_MINUTE,
          perAddress: configuration.RATE_LIMIT_ADDRESS_PER_MINUTE,
        }),
        ...tokenProviders({
          lifetime: configuration.TOKEN_LIFETIME_SECONDS,
          trustedIssuersFile: configuration.TRUSTED_ISSUERS_FILE,
        }),
        ...authorizationProviders,
        ...deviceProviders,
        ...openidProviders,
        ...refreshProviders({
          idle: configuration.REFRESH_TOKEN_IDLE_SECONDS * 1_000,
          life: configuration.REFRESH_TOKEN_LIFETIME_SECONDS * 1_000,
          again: configuration.REFRESH_TOKEN_AGAIN_SECONDS * 1_000,
        }),
        IntrospectionService,
        TokenRevocationService,
        ...revocationProviders(nats, {
          replicas: configuration.STREAM_REPLICAS,
          maxBytes: configuration.REVOCATION_BUCKET_BYTES,
        }),
        ...delegationProviders,
        DescribedClients,
        ...keyedAnswers(keyedEvents, SealedAnswers),
        ...clientProviders,
        ...sessionProviders({
          idle: configuration.SESSION_IDLE_SECONDS,
          life: configuration.SESSION_LIFETIME_SECONDS,
        }),
        ...signInProviders({
          providersFile: configuration.PROVIDERS_FILE,
          allowPlainHttp: configuration.ALLOW_PLAIN_HTTP,
          perMinute: configuration.RATE_LIMIT_SIGN_IN_PER_MINUTE,
        }),
        ...apiKeyProviders(apiKeySettings(configuration), configuration.PLANS_FILE),
        ...logoutNoticeProviders(configuration.BACKCHANNEL_LOGOUT_TARGETS),
        ...logoutProviders,
        { provide: HINTS, useExisting: IdTokenHints },
        ...accountProviders,
        ...peopleAdminProviders,
        ...revocationAdminProviders,
        ...revocationPreviewProviders(configuration.OUTBOX_KEEP_HOURS),
        ...delegationAdminProviders,
        Startup,
        {
          provide: 'countersign.issuer.begun',
          inject: [Startup, Replica, TOKEN_VERIFIER],
          useFactory: async (startup: Startup, replica: Replica, guard: TokenVerifier): Promise<true> => {
            await startup.run(configuration.CLIENTS_FILE, configuration.SIGNING_KEY_IMPORT);
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
