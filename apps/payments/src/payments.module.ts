import { Module, type DynamicModule } from '@nestjs/common';
import { createTokenClient } from '@countersign/auth-core';
import { AuditTrailModule, DatabaseModule, ServiceAuthModule } from '@countersign/service-host';
import { fileURLToPath } from 'node:url';
import { ACCOUNTS_CLIENT, createAccountsClient } from './accounts/accounts.client.js';
import { type Configuration } from './configuration.js';
import { IdempotencyStore } from './idempotency/idempotency.store.js';
import { PaymentsController } from './payments/payments.controller.js';
import { PaymentsService } from './payments/payments.service.js';
import { PaymentsStore } from './payments/payments.store.js';

/** Payments, in a request's order: who is calling, the payment, the transfer at accounts, the record of it. */
@Module({})
export class PaymentsModule {
  static forRoot(configuration: Configuration): DynamicModule {
    return {
      module: PaymentsModule,
      imports: [
        ServiceAuthModule.forRoot({
          issuer: configuration.ISSUER_URL,
          jwksUrl: configuration.JWKS_URL,
          audience: 'payments',
        }),
        DatabaseModule.forRoot({
          url: configuration.DATABASE_URL,
          max: configuration.DATABASE_POOL_MAX,
          migrationsFolder: fileURLToPath(new URL('../migrations', import.meta.url)),
        }),
        AuditTrailModule.forRoot({
          source: 'payments',
          nats: {
            url: configuration.NATS_URL,
            user: configuration.NATS_USER,
            password: configuration.NATS_PASSWORD,
          },
        }),
      ],
      controllers: [PaymentsController],
      providers: [
        PaymentsService,
        PaymentsStore,
        IdempotencyStore,
        {
          provide: ACCOUNTS_CLIENT,
          useFactory: () =>
            createAccountsClient({
              url: configuration.ACCOUNTS_URL,
              timeoutMs: configuration.ACCOUNTS_TIMEOUT_MS,
              tokens: createTokenClient({
                issuer: configuration.ISSUER_URL,
                clientId: configuration.CLIENT_ID,
                key: configuration.CLIENT_KEY,
              }),
            }),
        },
      ],
    };
  }
}
