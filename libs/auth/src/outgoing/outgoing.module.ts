import { Global, Module, type DynamicModule, type FactoryProvider, type ModuleMetadata } from '@nestjs/common';
import { createTokenClient, type TokenClientOptions } from '@countersign/auth-core';
import { ServiceCalls, type ServiceCallsOptions } from './service-calls.js';

/** This service's identity at the issuer, and the limits of its calls. */
export type OutgoingSettings = TokenClientOptions & Omit<ServiceCallsOptions, 'tokens'>;

/** A factory of the options, and what it needs. */
export interface OutgoingModuleAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  readonly inject?: FactoryProvider['inject'];
  readonly useFactory: FactoryProvider<OutgoingSettings>['useFactory'];
}

const OUTGOING_SETTINGS = Symbol.for('countersign.outgoing-settings');

/** Provides {@link ServiceCalls} to the whole application, with this service's own identity at the issuer. */
@Global()
@Module({})
export class OutgoingModule {
  /** @param settings at least `issuer`, `clientId` and `key` (the private JWK for `private_key_jwt`) */
  static forRoot(settings: OutgoingSettings): DynamicModule {
    return OutgoingModule.forRootAsync({ useFactory: () => settings });
  }

  /** Like {@link OutgoingModule.forRoot}, with settings from a factory. */
  static forRootAsync({ imports = [], inject = [], useFactory }: OutgoingModuleAsyncOptions): DynamicModule {
    return {
      module: OutgoingModule,
      imports,
      providers: [
        { provide: OUTGOING_SETTINGS, inject, useFactory },
        {
          provide: ServiceCalls,
          inject: [OUTGOING_SETTINGS],
          useFactory: (settings: OutgoingSettings) =>
            new ServiceCalls({ ...settings, tokens: createTokenClient(settings) }),
        },
      ],
      exports: [ServiceCalls],
    };
  }
}
