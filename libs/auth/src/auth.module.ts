import {
  Global,
  Inject,
  Module,
  type DynamicModule,
  type FactoryProvider,
  type ModuleMetadata,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { createVerifier, type TokenVerifier } from '@countersign/auth-core';
import passport from 'passport';
import { CountersignGuard } from './auth.guard.js';
import { AUTH_SETTINGS, TOKEN_VERIFIER, type AuthSettings } from './auth.settings.js';
import { createStrategy, STRATEGY_NAME } from './jwt.strategy.js';

export interface AuthModuleAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  readonly inject?: FactoryProvider['inject'];
  readonly useFactory: FactoryProvider<AuthSettings>['useFactory'];
}

/** Closes every route of the application it is imported by; see `@Public()`, `@RequireScopes()`, `@CurrentPrincipal()`. */
@Global()
@Module({})
export class AuthModule implements OnApplicationShutdown {
  constructor(@Inject(TOKEN_VERIFIER) private readonly verifier: TokenVerifier) {}

  /** @param settings at least `issuer` (the `iss` identifier) and `audience` (this service's name) */
  static forRoot(settings: AuthSettings): DynamicModule {
    return AuthModule.forRootAsync({ useFactory: () => settings });
  }

  /** As {@link AuthModule.forRoot}, the settings made by a factory from other providers. */
  static forRootAsync({ imports = [], inject = [], useFactory }: AuthModuleAsyncOptions): DynamicModule {
    return {
      module: AuthModule,
      imports,
      providers: [
        { provide: AUTH_SETTINGS, inject, useFactory },
        {
          provide: TOKEN_VERIFIER,
          inject: [AUTH_SETTINGS],
          useFactory: async (settings: AuthSettings): Promise<TokenVerifier> => {
            const verifier = settings.verifier ?? (await createVerifier(settings));
            passport.use(STRATEGY_NAME, createStrategy());
            return verifier;
          },
        },
        { provide: APP_GUARD, useClass: CountersignGuard },
      ],
      exports: [TOKEN_VERIFIER],
    };
  }

  onApplicationShutdown(): void {
    this.verifier.close();
  }
}
