import { Module, type DynamicModule } from '@nestjs/common';
import { TOKEN_VERIFIER } from '@countersign/auth';
import { MemoryRevocationList, type TokenVerifier } from '@countersign/auth-core';
import {
  OAUTH_ROUTES,
  AuditTrailModule,
  DatabaseModule,
  databaseOf,
  keyedAnswers,
  natsOf,
  ServiceAuthModule,
} from '@countersign/service-host';
import { ListDigest } from '@countersign/revocation-feed';
import { fileURLToPath } from 'node:url';
import { apiKeyControllers, apiKeyProviders } from './api-key-admin/index.js';
import { type ApiKeySettings } from './api-keys/new-api-key.js';
import { AssertionAge } from './authentication/assertion-age.service.js';
import { AssertionAuthentication } from './authentication/assertion-authentication.service.js';
import { ClientAuthentication } from './authentication/client-authentication.service.js';
import { RecordedAuthentication } from './authentication/recorded-authentication.service.js';
import { SecretAuthentication } from './authentication/secret-authentication.service.js';
import { UsedAssertions } from './authentication/used-assertions.store.js';
import { UsedProofs } from './authentication/used-proofs.store.js';
import { HINTS } from './authorization/id-token-hints.js';
import { authorizationControllers, authorizationProviders } from './authorization/index.js';
import { DeclaredWords } from './clients/audience-words.service.js';
import { ClientsController, ClientsSchemaController } from './clients/clients.controller.js';
import { ClientDeclarations } from './clients/client-declarations.service.js';
import { ClientWrites } from './clients/client-writes.service.js';
import { ClientsService } from './clients/clients.service.js';
import { type Configuration } from './configuration.js';
import { delegationProviders } from './delegations/index.js';
import { deviceControllers, deviceProviders } from './device/index.js';
import { keyedEvents } from './idempotency/keyed-events.js';
import { SealedAnswers } from './idempotency/sealed-answers.service.js';
import { IntrospectionController } from './introspection/introspection.controller.js';
import { IntrospectionService } from './introspection/introspection.service.js';
import { ISSUER_URL } from './issuer-url.js';
import { AuthenticationLimits, LIMIT_SETTINGS } from './limits/authentication-limits.service.js';
import { readOutsideIssuersFile } from './outside/outside-issuers-file.js';
import { OUTSIDE_ISSUERS, OutsideTokens } from './outside/outside-tokens.service.js';
import { MetadataController } from './metadata/metadata.controller.js';
import { TOKEN_LIFETIME_LIMIT } from './registry/client.js';
import { AudienceWordsStore } from './registry/audience-words.store.js';
import { ClientDocuments, DOCUMENT_TARGETS } from './registry/client-documents.service.js';
import { ClientsStore } from './registry/clients.store.js';
import { DescribedClients } from './registry/described-clients.store.js';
import { FreshAdmin } from './registry/fresh-admin.service.js';
import { KEY_ENCRYPTION, LocalKeyEncryption } from './registry/key-encryption.js';
import { SIGNING_KEYS } from './registry/key-set.js';
import { ListedRevocations } from './registry/listed-revocations.store.js';
import { ISSUER_AUDIENCE } from './registry/people-policy.js';
import { OwnKeys } from './registry/own-keys.js';
import { RemoteKeys } from './registry/remote-keys.service.js';
import { Replica } from './registry/replica.service.js';
import { RevocationKeysStore } from './registry/revocation-keys.store.js';
import { LIST_DIGEST, REVOKED, RevocationMemory } from './registry/revocation-memory.service.js';
import { SigningKeysStore } from './registry/signing-keys.store.js';
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
import { OwnSignatures } from './token/own-signatures.service.js';
import { signInControllers, signInProviders } from './sign-in/index.js';
import { JWKS_LIFETIME, JwksController } from './signing-keys/jwks.controller.js';
import { KeyRotation, ROTATION_SETTINGS, type RotationSettings } from './signing-keys/key-rotation.service.js';
import { RevocationKeyRotation } from './signing-keys/revocation-key-rotation.service.js';
import { RevocationKeysController } from './signing-keys/revocation-keys.controller.js';
import { RevocationKeysService } from './signing-keys/revocation-keys.service.js';
import { SigningKeysController } from './signing-keys/signing-keys.controller.js';
import { SigningKeysService } from './signing-keys/signing-keys.service.js';
import { openidControllers, openidProviders } from './openid/index.js';
import { refreshProviders } from './refresh/index.js';
import { Startup } from './startup/startup.service.js';
import { TokenRevocationController } from './token-revocation/token-revocation.controller.js';
import { TokenRevocationService } from './token-revocation/token-revocation.service.js';
import { AuthorizationCode } from './token/grants/authorization-code.grant.js';
import { ApiKeyExchange } from './token/grants/api-key-exchange.service.js';
import { JwtBearer } from './token/grants/jwt-bearer.grant.js';
import { OutsideExchange } from './token/grants/outside-exchange.service.js';
import { DeviceCodeGrant } from './token/grants/device-code.grant.js';
import { FurtherTokensOf } from './token/grants/further-tokens.service.js';
import { RefreshTokenGrant } from './token/grants/refresh-token.grant.js';
import { TokenExchange } from './token/grants/token-exchange.grant.js';
import { TokenGrants } from './token/grants/token-grants.service.js';
import { EventTexts } from './token/commits/event-texts.service.js';
import { Issuances } from './token/commits/issuances.store.js';
import { Redemptions } from './token/commits/redemptions.store.js';
import { Rotations } from './token/commits/rotations.store.js';
import { OwnTokens } from './token/own-tokens.service.js';
import { SenderConstraint } from './authentication/sender-constraint.service.js';
import { SubjectTokens } from './token/grants/subject-tokens.service.js';
import { TOKEN_LIFETIME, TokenDecisions } from './token/token-decisions.service.js';
import { TokenController } from './token/token.controller.js';
import { TokenService } from './token/token.service.js';

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

function apiKeySettings(configuration: Configuration): ApiKeySettings {
  return {
    environment: configuration.API_KEY_ENVIRONMENT,
    lifetimeDays: configuration.API_KEY_LIFETIME_DAYS,
    lifetimeLimitDays: configuration.API_KEY_LIFETIME_LIMIT_DAYS,
    warningDays: configuration.API_KEY_WARNING_DAYS,
    perClient: configuration.API_KEYS_PER_CLIENT,
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
      // For the filter of errors, which belongs to the host.
      global: true,
      exports: [OAUTH_ROUTES],
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
          audience: ISSUER_AUDIENCE,
          // What DPoP proofs for userinfo name (RFC 9449), unless RESOURCE_URL says otherwise.
          resource: configuration.ISSUER_URL,
          // Answered within the process: nothing goes over a network.
          fetch: () => ownKeys.answer(),
          allowPlainHttp: true,
          revocations: revoked,
        }),
      ],
      controllers: [
        TokenController,
        IntrospectionController,
        ...authorizationControllers,
        ...deviceControllers,
        ...revocationControllers,
        ...revocationAdminControllers,
        ...revocationPreviewControllers,
        TokenRevocationController,
        JwksController,
        MetadataController,
        ...openidControllers,
        ClientsController,
        ClientsSchemaController,
        ...apiKeyControllers,
        SigningKeysController,
        RevocationKeysController,
        ...signInControllers,
        ...logoutControllers,
        ...accountControllers,
        ...peopleAdminControllers,
        ...delegationAdminControllers,
      ],
      providers: [
        { provide: OAUTH_ROUTES, useValue: '/oauth2/' },
        { provide: ISSUER_URL, useValue: configuration.ISSUER_URL },
        { provide: TOKEN_LIFETIME, useValue: configuration.TOKEN_LIFETIME_SECONDS },
        { provide: JWKS_LIFETIME, useValue: configuration.JWKS_LIFETIME_SECONDS },
        { provide: KEY_ENCRYPTION, useValue: new LocalKeyEncryption(configuration.KEY_ENCRYPTION_KEYS) },
        { provide: ROTATION_SETTINGS, useValue: rotationSettings(configuration) },
        ClientsStore,
        SigningKeysStore,
        RevocationKeysStore,
        ListedRevocations,
        { provide: REVOKED, useValue: revoked },
        { provide: LIST_DIGEST, useValue: new ListDigest() },
        RevocationMemory,
        RemoteKeys,
        Replica,
        { provide: DOCUMENT_TARGETS, useValue: configuration.CLIENT_DOCUMENT_TARGETS },
        ClientDocuments,
        DescribedClients,
        { provide: SIGNING_KEYS, useExisting: Replica },
        FreshAdmin,
        {
          provide: LIMIT_SETTINGS,
          useValue: {
            perClient: configuration.RATE_LIMIT_CLIENT_PER_MINUTE,
            perAddress: configuration.RATE_LIMIT_ADDRESS_PER_MINUTE,
          },
        },
        AuthenticationLimits,
        SecretAuthentication,
        UsedAssertions,
        UsedProofs,
        AssertionAge,
        AssertionAuthentication,
        ClientAuthentication,
        RecordedAuthentication,
        SubjectTokens,
        OwnSignatures,
        OwnTokens,
        ApiKeyExchange,
        { provide: OUTSIDE_ISSUERS, useFactory: () => readOutsideIssuersFile(configuration.TRUSTED_ISSUERS_FILE) },
        OutsideTokens,
        OutsideExchange,
        JwtBearer,
        TokenExchange,
        ...authorizationProviders,
        ...deviceProviders,
        AudienceWordsStore,
        DeclaredWords,
        AuthorizationCode,
        ...openidProviders,
        ...refreshProviders({
          idle: configuration.REFRESH_TOKEN_IDLE_SECONDS * 1_000,
          life: configuration.REFRESH_TOKEN_LIFETIME_SECONDS * 1_000,
          again: configuration.REFRESH_TOKEN_AGAIN_SECONDS * 1_000,
        }),
        FurtherTokensOf,
        RefreshTokenGrant,
        DeviceCodeGrant,
        TokenGrants,
        SenderConstraint,
        TokenDecisions,
        EventTexts,
        Issuances,
        Redemptions,
        Rotations,
        TokenService,
        IntrospectionService,
        TokenRevocationService,
        ...revocationProviders(nats, {
          replicas: configuration.STREAM_REPLICAS,
          maxBytes: configuration.REVOCATION_BUCKET_BYTES,
        }),
        ...delegationProviders,
        KeyRotation,
        SigningKeysService,
        RevocationKeyRotation,
        RevocationKeysService,
        ...keyedAnswers(keyedEvents, SealedAnswers),
        ClientsService,
        ClientDeclarations,
        ClientWrites,
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
