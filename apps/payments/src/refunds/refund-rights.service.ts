import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { clientWide, isWithin, ownerOf } from '@countersign/auth-core';
import { AUDIT_OUTBOX, Problem, type Caller } from '@countersign/service-host';
import { ACCOUNTS_CLIENT, type AccountsClient } from '../accounts/accounts.client.js';
import { eventBy } from '../event-by.js';
import { type Payment, type PaymentId } from '../payments/payment.js';
import { PaymentsService } from '../payments/payments.service.js';
import { PaymentsStore } from '../payments/payments.store.js';

const action = 'payments:refund';

/** With whose rights a refund takes money from the account that was paid: the `payee`'s own, or the `client`'s by its scope. */
export type RefundRight = 'payee' | 'client';

/** Who may refund a payment: the owner of the account that was paid, and the payment's client with `payments:refund:client`. Never its payer as such. */
@Injectable()
export class RefundRights {
  constructor(
    @Inject(PaymentsService) private readonly service: PaymentsService,
    @Inject(PaymentsStore) private readonly payments: PaymentsStore,
    @Inject(ACCOUNTS_CLIENT) private readonly accounts: AccountsClient,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
  ) {}

  /**
   * @throws {Problem} 403 `REFUND_NOT_PAYEE` to the payer; 404 `PAYMENT_UNKNOWN` to strangers, as if it did not exist; both recorded;
   * 503 `ACCOUNTS_UNAVAILABLE` if accounts does not answer whose account was paid
   */
  async of(id: PaymentId, caller: Caller): Promise<{ readonly payment: Payment; readonly right: RefundRight }> {
    const { principal } = caller;
    const payment = await this.payments.findAnyones(id);
    if (payment === undefined) return this.service.refuseUnknown(id, action, caller);
    const isClients = payment.clientId === principal.clientId && principal.scopes.has(clientWide(action));
    if (isClients) return { payment, right: 'client' };
    const authority = { subjectToken: caller.token, traceparent: caller.trace.traceparent };
    const payee = await this.accounts.ownership(payment.toAccount, principal.subject, authority);
    if (payee === 'owner') return { payment, right: 'payee' };
    if (payee !== 'stranger') {
      const detail =
        'The accounts service did not answer, so the owner of the paid account is unknown; send the same request again with the same Idempotency-Key.';
      throw new Problem(503, 'ACCOUNTS_UNAVAILABLE', detail, { reason: payee.unknown, retry_after: 1 });
    }
    const isPayer = isWithin({ subject: principal.subject }, ownerOf(payment));
    if (!isPayer) return this.service.refuseUnknown(id, action, caller);
    const failure = 'REFUND_NOT_PAYEE';
    await this.outbox.recordDurably(eventBy(caller, 'refund.refused', { id, failure }));
    const detail = `Only the owner of the account that was paid, or the client with the scope ${clientWide(action)}, can refund it.`;
    throw new Problem(403, failure, detail);
  }
}
