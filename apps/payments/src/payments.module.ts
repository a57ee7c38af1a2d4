import { Inject, Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { ServiceCalls } from '@countersign/auth';
import { createTokenClient, type TokenClient } from '@countersign/auth-core';
import { CLOCK, issuerOf, ResourceServerModule } from '@countersign/service-host';
import { ACCOUNTS_CONNECTION, connectToAccounts, type AccountsConnection } from './accounts/accounts-connection.js';
import { ACCOUNTS_CLIENT, createAccountsClient } from './accounts/accounts.client.js';
import { ChangesStore } from './changes/changes.store.js';
import { type Configuration } from './configuration.js';
import { IdempotencyStore } from './idempotency/idempotency.store.js';
import { IdempotentAnswers } from './idempotency/idempotent-answers.service.js';
import { CaptureService } from './payments/capture.service.js';
import { PaymentProgress } from './payments/payment-progress.service.js';
import { PaymentsController } from './payments/payments.controller.js';
import { RECENT_LOGIN_RULE, RecentLogin, type RecentLoginRule } from './payments/recent-login.service.js';
import { PaymentsService } from './payments/payments.service.js';
import { PaymentsStore } from './payments/payments.store.js';
import { STEP_LEASE, stepLeaseOf } from './idempotency/step-lease.js';
import { OWN_CLIENT_ID, RecoveryService } from './recovery/recovery.service.js';
import { RECOVERY_INTERVAL, RecoveryWorker } from './recovery/recovery.worker.js';
import { ReconciliationController } from './reconciliation/reconciliation.controller.js';
import { ReconciliationService } from './reconciliation/reconciliation.service.js';
import { ReconciliationStore } from './reconciliation/reconciliation.store.js';
import { RECONCILE_HOUR, ReconciliationWorker } from './reconciliation/reconciliation.worker.js';
import { RefundProgress } from './refunds/refund-progress.service.js';
import { RefundRights } from './refunds/refund-rights.service.js';
import { RefundsController } from './refunds/refunds.controller.js';
import { RefundsService } from './refunds/refunds.service.js';
import { RefundsStore } from './refunds/refunds.store.js';
import { DeliveriesStore } from './webhooks/deliveries.store.js';
import { DeliveryQueueStore } from './webhooks/delivery-queue.store.js';
import { DeliveryWorker, WEBHOOK_CONCURRENCY } from './webhooks/delivery.worker.js';
import { EndpointsStore } from './webhooks/endpoints.store.js';
import { JwksController, WEBHOOK_SIGNER } from './webhooks/jwks.controller.js';
import { createWebhookSender, WEBHOOK_SENDER } from './webhooks/sender.js';
import { createWebhookSigner, type WebhookSigner } from './webhooks/signature.js';
import { WebhooksController } from './webhooks/webhooks.controller.js';
import { TARGET_RULE, WebhooksService } from './webhooks/webhooks.service.js';

function tokensOf(configuration: Configuration): TokenClient {
  const { issuer, allowPlainHttp } = issuerOf(configuration);
  return createTokenClient({
    issuer,
    allowPlainHttp,
    clientId: configuration.CLIENT_ID,
    key: configuration.CLIENT_KEY,
  });
}

/** Payments, in a request's order: who is calling, the payment, the transfer at accounts, the record of it; plus recovery and webhooks. */
@Module({})
export class PaymentsModule implements OnApplicationShutdown {
  constructor(@Inject(ACCOUNTS_CONNECTION) private readonly connection: AccountsConnection) {}

  async onApplicationShutdown(): Promise<void> {
    await this.connection.close();
  }

  /** @param tokens where payments gets its tokens: the configured issuer */
  static forRoot(configuration: Configuration, tokens = tokensOf(configuration)): DynamicModule {
    return {
      module: PaymentsModule,
      imports: [
        ResourceServerModule.forRoot({
          name: 'payments',
          configuration,
          apiKeys: { clientId: configuration.CLIENT_ID, clientKey: configuration.CLIENT_KEY },
          migrations: new URL('../migrations', import.meta.url),
        }),
      ],
      controllers: [
        PaymentsController,
        RefundsController,
        ReconciliationController,
        WebhooksController,
        JwksController,
      ],
      providers: [
        PaymentsService,
        CaptureService,
        PaymentProgress,
        PaymentsStore,
        RefundsService,
        RefundRights,
        RefundProgress,
        RefundsStore,
        IdempotencyStore,
        IdempotentAnswers,
        ChangesStore,
        RecoveryService,
        RecoveryWorker,
        ReconciliationStore,
        ReconciliationService,
        ReconciliationWorker,
        {
          provide: RECENT_LOGIN_RULE,
          useValue: {
            above: configuration.RECENT_LOGIN_ABOVE ?? new Map(),
            seconds: configuration.RECENT_LOGIN_SECONDS,
          } satisfies RecentLoginRule,
        },
        RecentLogin,
        { provide: RECONCILE_HOUR, useValue: configuration.RECONCILE_HOUR },
        WebhooksService,
        EndpointsStore,
        DeliveriesStore,
        DeliveryQueueStore,
        DeliveryWorker,
        { provide: WEBHOOK_CONCURRENCY, useValue: configuration.WEBHOOK_CONCURRENCY },
        { provide: OWN_CLIENT_ID, useValue: configuration.CLIENT_ID },
        { provide: STEP_LEASE, useValue: stepLeaseOf(configuration.STEP_LEASE_MS) },
        { provide: RECOVERY_INTERVAL, useValue: configuration.RECOVERY_INTERVAL_MS },
        { provide: TARGET_RULE, useValue: configuration.WEBHOOK_TARGETS },
        { provide: WEBHOOK_SIGNER, useFactory: () => createWebhookSigner(configuration.WEBHOOK_KEYS.keys) },
        {
          provide: WEBHOOK_SENDER,
          inject: [WEBHOOK_SIGNER, CLOCK],
          useFactory: (signer: WebhookSigner, now: () => Date) =>
            createWebhookSender({ signer, rule: configuration.WEBHOOK_TARGETS, now }),
        },
        { provide: ACCOUNTS_CONNECTION, useFactory: () => connectToAccounts(configuration.ACCOUNTS_URL) },
        {
          provide: ACCOUNTS_CLIENT,
          inject: [ACCOUNTS_CONNECTION],
          useFactory: ({ url, transport }: AccountsConnection) =>
            createAccountsClient({
              calls: new ServiceCalls({ tokens, transport, allowPlainHttp: configuration.ALLOW_PLAIN_HTTP }),
              url,
              timeoutMs: configuration.ACCOUNTS_TIMEOUT_MS,
              deadlineMs: configuration.ACCOUNTS_DEADLINE_MS,
            }),
        },
      ],
    };
  }
}
