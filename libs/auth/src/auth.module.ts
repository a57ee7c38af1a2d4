import {
  Global,
  Inject,
  Logger,
  Module,
  type DynamicModule,
  type BeforeApplicationShutdown,
  type FactoryProvider,
  type ModuleMetadata,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import {
  APP_GUARD,
  DiscoveryModule,
  DiscoveryService,
  HttpAdapterHost,
  MetadataScanner,
  ModulesContainer,
} from '@nestjs/core';
import { type ApiKeys, createVerifier, type KeysReport } from '@countersign/auth-core';
import { CountersignGuard } from './auth.guard.js';
import {
  AUTH_SETTINGS,
  issuersOf,
  REFUSAL_ERRORS,
  serviceNameOf,
  TOKEN_VERIFIER,
  type AuthSettings,
} from './auth.settings.js';
import { type AccessTokenVerifier } from './verification.js';
import { isFastify, preparePrincipal } from './carrier.js';
import { BearerCredential } from './credentials/bearer.js';
import { CREDENTIALS, type Credential } from './credentials/credential.js';
import { DpopCredential } from './credentials/dpop.js';
import { SessionCredential } from './credentials/session.js';
import { ApiKeyPasses } from './api-key-passes.service.js';
import { API_KEYS, apiKeysOf } from './api-keys.js';
import { ApiKeyCredential } from './credentials/api-key.js';
import { FLOOD_GATE, FloodGate } from './flood-gate.js';
import { closeMessageHandlers } from './message-gate.js';
import { answerProblems } from './problem-answers.js';
import { metadataOf, metadataPath, resourceUrl } from './protected-resource.js';
import { RefusalErrors } from './refusal.js';
import { RouteReport } from './route-report.service.js';

/** A factory of the settings, and what it needs. */
export interface AuthModuleAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  readonly inject?: FactoryProvider['inject'];
  readonly useFactory: FactoryProvider<AuthSettings>['useFactory'];
}

/** Two modules would mean two guards, each of which accepts only tokens that fit its own settings: together they refuse everybody. */
function refuseTwice(modules: ModulesContainer): void {
  const times = [...modules.values()].filter(({ metatype }) => metatype === AuthModule).length;
  if (times < 2) return;
  throw new Error(
    `AuthModule is imported ${String(times)} times: import it once, in the root module; it is global.  ` +
      'To import it in several modules, store the result of forRoot() and import that.',
  );
}

/** Logs immediately why an issuer's keys are missing, because until they are loaded every request is answered with 503. */
function logKeys({ ok, message }: KeysReport): void {
  const logger = new Logger('Countersign');
  if (ok) logger.log(message);
  else logger.error(message);
}

/** A file that cannot be written causes no refusal: it is missing at the next start. */
function logKeysFile({ ok, message }: KeysReport): void {
  const logger = new Logger('Countersign');
  if (ok) logger.log(message);
  else logger.warn(message);
}

/**
 * Closes every route of the importing application: HTTP on Fastify and Express, NATS message handlers, GraphQL operations, socket messages. See
 * `@Public()`, `@RequireScopes()`, `@RequireAnyScope()`, `@Authorize()`, `@CurrentPrincipal()`.
 */
@Global()
@Module({})
export class AuthModule
  implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown
{
  constructor(
    @Inject(TOKEN_VERIFIER) private readonly verifier: AccessTokenVerifier,
    @Inject(AUTH_SETTINGS) private readonly settings: AuthSettings,
    @Inject(RouteReport) private readonly report: RouteReport,
    @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
    @Inject(DiscoveryService) discovery: DiscoveryService,
    @Inject(MetadataScanner) scanner: MetadataScanner,
    @Inject(ModulesContainer) modules: ModulesContainer,
    @Inject(API_KEYS) private readonly apiKeys: ApiKeys | undefined,
    @Inject(FLOOD_GATE) private readonly floodGate: FloodGate | undefined,
  ) {
    refuseTwice(modules);
    closeMessageHandlers(discovery, scanner);
  }

  /** @param settings at least `issuer` (the `iss` identifier) and `audience` (this service's name) */
  static forRoot(settings: AuthSettings): DynamicModule {
    return AuthModule.forRootAsync({ useFactory: () => settings });
  }

  /** Like {@link AuthModule.forRoot}, with settings from a factory. */
  static forRootAsync({ imports = [], inject = [], useFactory }: AuthModuleAsyncOptions): DynamicModule {
    return {
      module: AuthModule,
      imports: [DiscoveryModule, ...imports],
      providers: [
        { provide: AUTH_SETTINGS, inject, useFactory },
        { provide: REFUSAL_ERRORS, useFactory: () => new RefusalErrors() },
        {
          provide: TOKEN_VERIFIER,
          inject: [AUTH_SETTINGS],
          useFactory: (settings: AuthSettings): AccessTokenVerifier | Promise<AccessTokenVerifier> => {
            if (settings.resource !== undefined) resourceUrl(settings.resource);
            const { onKeys = logKeys, onKeysFile = logKeysFile } = settings;
            return settings.verifier ?? createVerifier({ ...settings, onKeys, onKeysFile });
          },
        },
        {
          provide: API_KEYS,
          inject: [TOKEN_VERIFIER, AUTH_SETTINGS],
          useFactory: (verifier: AccessTokenVerifier, settings: AuthSettings): ApiKeys | undefined => {
            const [issuer] = issuersOf(settings);
            if (settings.apiKeys === undefined || issuer === undefined) return undefined;
            const { allowPlainHttp } = settings;
            const [{ revocations } = {}] = 'issuers' in settings ? settings.issuers : [settings];
            const at = { issuer, audience: serviceNameOf(settings), allowPlainHttp, revocations };
            return apiKeysOf(settings.apiKeys, at, verifier);
          },
        },
        {
          provide: FLOOD_GATE,
          inject: [API_KEYS, AUTH_SETTINGS],
          useFactory: (keys: ApiKeys | undefined, settings: AuthSettings): FloodGate | undefined =>
            keys === undefined ? undefined : new FloodGate(keys, settings),
        },
        {
          provide: CREDENTIALS,
          inject: [TOKEN_VERIFIER, AUTH_SETTINGS, API_KEYS],
          useFactory: (
            verifier: AccessTokenVerifier,
            settings: AuthSettings,
            keys: ApiKeys | undefined,
          ): readonly Credential[] => [
            ...(keys === undefined ? [] : [new ApiKeyCredential(keys)]),
            new DpopCredential(verifier, settings.resource),
            new BearerCredential(verifier, settings.clientCertificate, settings.bearer),
            ...(settings.sessions === undefined ? [] : [new SessionCredential(verifier, settings.sessions)]),
          ],
        },
        RouteReport,
        ApiKeyPasses,
        { provide: APP_GUARD, useClass: CountersignGuard },
      ],
      exports: [TOKEN_VERIFIER, RouteReport, API_KEYS],
    };
  }

  /**
   * Adds the principal's slot on requests, the content type of problems, and the metadata document, which is at the root whatever prefix the
   * application's own routes have (RFC 9728, section 3.1).
   */
  onModuleInit(): void {
    const { resource } = this.settings;
    // A pure microservice has no HTTP side.
    const adapter: HttpAdapterHost['httpAdapter'] | undefined = this.adapterHost.httpAdapter;
    if (adapter === undefined) return;
    const instance: unknown = adapter.getInstance<unknown>();
    preparePrincipal(instance);
    if (this.floodGate !== undefined && isFastify(instance)) instance.addHook('onRequest', this.floodGate.onRequest);
    answerProblems(adapter);
    if (resource === undefined) return;
    const described = { resource, issuers: issuersOf(this.settings), audience: serviceNameOf(this.settings) };
    adapter.get(metadataPath(resource), (_request: unknown, response: unknown) => {
      adapter.setHeader(response, 'content-type', 'application/json; charset=utf-8');
      adapter.setHeader(response, 'cache-control', 'max-age=3600');
      adapter.reply(response, JSON.stringify(metadataOf(described, this.report.routes())), 200);
    });
  }

  /** @throws {Error} for a route that accepts API keys in an application that accepts none */
  onApplicationBootstrap(): void {
    const lost = this.report.routes().find(({ needs }) => needs?.public === false && needs.apiKeys !== undefined);
    if (this.apiKeys === undefined && lost !== undefined)
      throw new Error(
        `${lost.name} has @AllowApiKey(), but AuthModule has no apiKeys: configure the client that exchanges them`,
      );
    const tell =
      this.settings.onRoutes ??
      ((lines) => {
        const logger = new Logger('Routes');
        for (const line of lines) logger.log(line);
      });
    tell(this.report.lines());
  }

  /** Before the server is closed, because that waits for unanswered requests. */
  beforeApplicationShutdown(): void {
    this.floodGate?.close();
  }

  async onApplicationShutdown(): Promise<void> {
    this.verifier.close?.();
    await this.apiKeys?.close();
  }
}
