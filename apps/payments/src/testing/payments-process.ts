import { AuditOutbox } from '@countersign/audit-client';
import { ServiceCalls, type Transport } from '@countersign/auth';
import { type TokenClient } from '@countersign/auth-core';
import { drizzleOn } from '@countersign/service-host';
import type pg from 'pg';
import { createAccountsClient } from '../accounts/accounts.client.js';
import { ChangesStore } from '../changes/changes.store.js';
import { IdempotencyStore } from '../idempotency/idempotency.store.js';
import { CaptureService } from '../payments/capture.service.js';
import { PaymentProgress } from '../payments/payment-progress.service.js';
import { RecentLogin } from '../payments/recent-login.service.js';
import { PaymentsService } from '../payments/payments.service.js';
import { PaymentsStore } from '../payments/payments.store.js';
import { stepLeaseOf } from '../idempotency/step-lease.js';
import { ReconciliationService } from '../reconciliation/reconciliation.service.js';
import { ReconciliationStore } from '../reconciliation/reconciliation.store.js';
import { RecoveryService } from '../recovery/recovery.service.js';
import { RefundProgress } from '../refunds/refund-progress.service.js';
import { RefundRights } from '../refunds/refund-rights.service.js';
import { RefundsService } from '../refunds/refunds.service.js';
import { RefundsStore } from '../refunds/refunds.store.js';
import { DeliveriesStore } from '../webhooks/deliveries.store.js';

export interface Surroundings {
  readonly pool: pg.Pool;
  readonly accountsUrl: string;
  readonly transport: Transport;
  readonly tokens: TokenClient;
  readonly clock: () => Date;
}

/** The services of one process, put together without HTTP. */
export function startProcess({ pool, accountsUrl, transport, tokens, clock }: Surroundings) {
  const database = drizzleOn(pool);
  const outbox = new AuditOutbox({ pool, source: 'payments', now: clock });
  const changes = new ChangesStore(pool, outbox);
  const lease = stepLeaseOf(30_000);
  const keys = new IdempotencyStore(database, lease);
  const payments = new PaymentsStore(database);
  const refunds = new RefundsStore(database);
  const deliveries = new DeliveriesStore(database);
  const accounts = createAccountsClient({
    calls: new ServiceCalls({ transport, tokens, random: () => 0.01, allowPlainHttp: true }),
    url: accountsUrl,
    timeoutMs: 60_000,
    deadlineMs: 60_000,
    now: clock,
  });
  const progress = new PaymentProgress(changes, payments, deliveries, clock);
  const refundProgress = new RefundProgress(changes, payments, refunds, deliveries, clock);
  const recentLogin = new RecentLogin({ above: new Map(), seconds: 300 }, clock);
  const service = new PaymentsService(changes, payments, progress, keys, accounts, outbox, clock, lease);
  const recovery = new RecoveryService(
    changes,
    payments,
    progress,
    refunds,
    refundProgress,
    accounts,
    'payments',
    clock,
    lease,
  );
  return {
    payments: service,
    captures: new CaptureService(
      service,
      changes,
      payments,
      progress,
      keys,
      accounts,
      recentLogin,
      outbox,
      clock,
      lease,
    ),
    refunds: new RefundsService(
      service,
      new RefundRights(service, payments, accounts, outbox),
      changes,
      payments,
      refunds,
      refundProgress,
      keys,
      accounts,
      recentLogin,
      outbox,
      clock,
      lease,
    ),
    recovery,
    reconciliation: new ReconciliationService(
      pool,
      new ReconciliationStore(database),
      accounts,
      recovery,
      changes,
      payments,
      refunds,
      outbox,
      'payments',
      clock,
    ),
  };
}
export type PaymentsProcess = ReturnType<typeof startProcess>;
