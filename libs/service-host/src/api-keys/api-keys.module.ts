import { Global, Inject, Injectable, Module, type DynamicModule, type OnModuleInit } from '@nestjs/common';
import { API_KEYS, type ApiKeySettings } from '@countersign/auth';
import {
  createTokenClient,
  reportToIssuer,
  type ApiKeys,
  type IssuerReporter,
  type PrivateJwk,
  type TokenSigner,
} from '@countersign/auth-core';
import type pg from 'pg';
import { type Logger } from 'pino';
import { type Registry } from 'prom-client';
import { PostgresLimitStore } from './api-key-limits.store.js';
import { ApiKeyReports } from './api-key-reports.store.js';
import { signalApiKeyUsage } from './api-key-signals.js';
import { Background } from '../background.service.js';
import { type HealthRegistry } from '../health/health.js';
import { HEALTH, LOGGER, METRICS, POOL } from '../tokens.js';

/** Injection token of the service's own {@link ApiKeySettings}, if it accepts API keys. */
export const API_KEY_SETTINGS = Symbol.for('countersign.service-api-keys');

/** The identity with which a service exchanges API keys and reports on them: its client at the issuer, which has the name of its audience. */
export interface ApiKeyClient {
  readonly clientId: string;
  readonly clientKey: PrivateJwk | TokenSigner;
}

/** The issuer of the API keys, and the service's identity there. */
export interface ApiKeysModuleOptions extends ApiKeyClient {
  readonly issuer: string;
  readonly allowPlainHttp: boolean;
}

const REPORTER = Symbol.for('countersign.api-key-reporter');
const SEND_EVERY_MS = 1_000;
const PRUNE_EVERY_MS = 3_600_000;
/** Milliseconds between two measurements of waiting and lost uses. */
const MEASURE_EVERY_MS = 10_000;

/** Sends counts to the issuer, and deletes unused buckets and processes that are gone. */
@Injectable()
class ApiKeyWork implements OnModuleInit {
  constructor(
    @Inject(REPORTER) private readonly reporter: IssuerReporter,
    @Inject(ApiKeyReports) private readonly reports: ApiKeyReports,
    @Inject(PostgresLimitStore) private readonly limits: PostgresLimitStore,
    @Inject(Background) private readonly background: Background,
  ) {}

  onModuleInit(): void {
    this.background.repeat({
      name: 'api_key_reports',
      everyMs: SEND_EVERY_MS,
      run: () => this.#report(),
    });
    this.background.repeat({
      name: 'api_key_buckets',
      everyMs: PRUNE_EVERY_MS,
      run: async (signal) => {
        await this.limits.prune(signal);
        await this.reports.prune(signal);
        return undefined;
      },
    });
  }

  async #report(): Promise<'again' | undefined> {
    try {
      return (await this.reports.send((kept) => this.reporter.usage(kept))) > 0 ? 'again' : undefined;
    } catch (error) {
      while ((await this.reports.merge()) > 0);
      throw error;
    }
  }
}

/** API key usage for operators. Separate from the guard's module, which it observes. */
@Module({})
export class ApiKeySignalsModule {
  constructor(
    @Inject(API_KEYS) keys: ApiKeys | undefined,
    @Inject(ApiKeyReports) reports: ApiKeyReports,
    @Inject(METRICS) metrics: Registry,
    @Inject(HEALTH) health: HealthRegistry,
    @Inject(LOGGER) logger: Logger,
    @Inject(Background) background: Background,
  ) {
    if (keys === undefined) return;
    const measure = signalApiKeyUsage(keys, reports, { metrics, health, logger });
    background.repeat({
      name: 'api_key_signals',
      everyMs: MEASURE_EVERY_MS,
      run: async () => {
        await measure();
        return undefined;
      },
    });
  }
}

/**
 * API keys for a resource server: replicas share limits through the service's database, and counts are committed there before they
 * are sent to the issuer. The service's migrations must have `api_key_bucket` and `api_key_report`.
 */
@Global()
@Module({})
export class ApiKeysModule {
  static forRoot({ issuer, allowPlainHttp, clientId, clientKey }: ApiKeysModuleOptions): DynamicModule {
    const tokens = createTokenClient({ issuer, allowPlainHttp, clientId, key: clientKey });
    const reporter = reportToIssuer({ issuer, tokens, allowPlainHttp });
    return {
      module: ApiKeysModule,
      providers: [
        { provide: REPORTER, useValue: reporter },
        { provide: ApiKeyReports, inject: [POOL], useFactory: (pool: pg.Pool) => new ApiKeyReports(pool) },
        { provide: PostgresLimitStore, inject: [POOL], useFactory: (pool: pg.Pool) => new PostgresLimitStore(pool) },
        ApiKeyWork,
        {
          provide: API_KEY_SETTINGS,
          inject: [ApiKeyReports, PostgresLimitStore],
          useFactory: (reports: ApiKeyReports, limitStore: PostgresLimitStore): ApiKeySettings => ({
            clientId,
            clientKey,
            limitStore,
            onUsage: (report) => reports.keep(report),
            onExposed: (key) => reporter.exposed(key),
          }),
        },
      ],
      exports: [API_KEY_SETTINGS, ApiKeyReports],
    };
  }
}
