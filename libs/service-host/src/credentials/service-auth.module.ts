import { Global, Module, type DynamicModule, type ExecutionContext } from '@nestjs/common';
import {
  type ApiKeySettings,
  AuthModule,
  type BearerVerification,
  type Refusal,
  type SessionSettings,
  TOKEN_VERIFIER,
} from '@countersign/auth';
import { type DpopNonces, type RevocationList } from '@countersign/auth-core';
import { type Logger } from 'pino';
import {
  API_KEY_SETTINGS,
  ApiKeySignalsModule,
  ApiKeysModule,
  type ApiKeyClient,
} from '../api-keys/api-keys.module.js';
import { PostgresDpopReplayStore } from './dpop-replay.store.js';
import { type HealthRegistry } from '../health/health.js';
import { watchKeys } from '../health/keys-health.js';
import { unrecordedReason } from '../trail/recorded-answers.guard.js';
import { Refusals, REFUSALS_OPTIONS, type RefusalsOptions } from '../trail/refusals.service.js';
import { traceOf, type TracedRequest } from '../trace/request-trace.js';
import { keysLog } from './keys-log.js';
import { REVOCATION_FEED, RevocationsModule, type RevocationFeedSettings } from './revocations.module.js';
import { UsedProofsModule } from './used-proofs.module.js';
import { DPOP_NONCES, HEALTH, LOGGER, RESOURCE_URL, SESSIONS } from '../tokens.js';

/** Whose tokens the service accepts, and for which audience. */
export interface ServiceAuthOptions {
  readonly issuer: string;
  readonly jwksUrl?: string | undefined;
  /** A file that stores the last valid keys, so that the service can start without the issuer. */
  readonly keysFile?: string | undefined;
  /** Lets the keys be fetched by plain http beyond this machine; false by default. */
  readonly allowPlainHttp?: boolean;
  /** This service's name: the only `aud` it accepts. */
  readonly audience: string;
  /** The service's resource identifier, if it is not in `RESOURCE_URL`. */
  readonly resource?: string;
  /** How the keys are fetched; the issuer uses it to answer itself. */
  readonly fetch?: typeof globalThis.fetch;
  /** The source of revocations: the feed's settings, or the service's own list. */
  readonly revocations?: RevocationFeedSettings | RevocationList;
  /** The identity for exchanging API keys, if the service accepts them; its migrations must have what {@link ApiKeysModule} needs. */
  readonly apiKeys?: ApiKeyClient | undefined;
  /** How refusals of unverified callers are limited and reported. */
  readonly refusals?: Omit<RefusalsOptions, 'service'>;
}

const resourceOf = (resource: string | undefined): { readonly resource?: string } =>
  resource === undefined ? {} : { resource };

/** Passport is loaded for the first token, so that startup does not wait for its 25 packages. */
function bearerByPassport(): BearerVerification {
  let loading: Promise<BearerVerification> | undefined;
  return async (token, verifier, context) => {
    loading ??= import('@countersign/auth/passport').then(({ passportBearer }) => passportBearer());
    const verify = await loading;
    return verify(token, verifier, context);
  };
}

/** Separate from the guard's module, which depends on it. */
@Global()
@Module({})
class RefusalsModule {
  static forRoot(options: RefusalsOptions): DynamicModule {
    return {
      module: RefusalsModule,
      providers: [{ provide: REFUSALS_OPTIONS, useValue: options }, Refusals],
      exports: [Refusals],
    };
  }
}

/** An omission is as visible at startup as an open route. */
function routeNote(handler: object, controller: object): string | undefined {
  const why = unrecordedReason(handler, controller);
  return why === undefined ? undefined : `unrecorded: ${why}`;
}

/** The auth library as our own services use it: the guard is global, and its refusals are recorded in the audit trail ({@link Refusals}). */
@Module({})
export class ServiceAuthModule {
  static forRoot(options: ServiceAuthOptions): DynamicModule {
    const { revocations } = options;
    const own = revocations !== undefined && 'isRevoked' in revocations ? revocations : undefined;
    const feed = revocations !== undefined && 'nats' in revocations ? revocations : undefined;
    return {
      module: ServiceAuthModule,
      imports: [
        RefusalsModule.forRoot({ service: options.audience, ...options.refusals }),
        UsedProofsModule,
        ...(feed === undefined ? [] : [RevocationsModule.forRoot(options.audience, options.issuer, feed)]),
        ...(options.apiKeys === undefined
          ? []
          : [
              ApiKeysModule.forRoot({
                ...options.apiKeys,
                issuer: options.issuer,
                allowPlainHttp: options.allowPlainHttp ?? false,
              }),
              ApiKeySignalsModule,
            ]),
        AuthModule.forRootAsync({
          inject: [
            Refusals,
            PostgresDpopReplayStore,
            LOGGER,
            RESOURCE_URL,
            DPOP_NONCES,
            { token: REVOCATION_FEED, optional: true },
            { token: API_KEY_SETTINGS, optional: true },
            { token: SESSIONS, optional: true },
          ],
          useFactory: (
            refusals: Refusals,
            dpopReplays: PostgresDpopReplayStore,
            logger: Logger,
            declared: string | undefined,
            nonces: DpopNonces | undefined,
            pushed: RevocationList | undefined = own,
            apiKeys: ApiKeySettings | undefined,
            sessions: SessionSettings | undefined,
          ) => ({
            dpopReplays,
            routeNote,
            onRoutes: (routes: readonly string[]) => {
              logger.info(
                { routes: routes.map((line) => line.replace(/ {2,}/g, '  ')) },
                'routes and their requirements',
              );
            },
            ...resourceOf(declared ?? options.resource),
            ...(nonces === undefined ? {} : { dpopNonces: nonces }),
            issuer: options.issuer,
            audience: options.audience,
            bearer: bearerByPassport(),
            ...(options.jwksUrl === undefined ? {} : { jwksUrl: options.jwksUrl }),
            ...(options.keysFile === undefined ? {} : { keysFile: options.keysFile }),
            allowPlainHttp: options.allowPlainHttp ?? false,
            ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
            ...(apiKeys === undefined ? {} : { apiKeys }),
            ...(sessions === undefined ? {} : { sessions }),
            ...(pushed === undefined ? {} : { revocations: pushed }),
            // The issuer calls itself, and has no keys until it has started.
            onKeys: options.fetch === undefined ? keysLog(logger) : () => undefined,
            onKeysFile: ({ ok, message }) => {
              logger[ok ? 'info' : 'warn'](message);
            },
            problemMembers: (context: ExecutionContext) => ({
              request_id: traceOf(context.switchToHttp().getRequest<TracedRequest>()).requestId,
            }),
            onRefused: (refusal: Refusal, context: ExecutionContext) => refusals.record(refusal, context),
          }),
        }),
      ],
      providers: [
        {
          provide: 'countersign.keys-health',
          inject: [HEALTH, TOKEN_VERIFIER],
          useFactory: (health: HealthRegistry, verifier: object) => {
            watchKeys(health, verifier);
            return true;
          },
        },
      ],
    };
  }
}
