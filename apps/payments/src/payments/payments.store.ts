import { Inject, Injectable } from '@nestjs/common';
import { DATABASE, type Database } from '@countersign/service-host';
import { and, asc, desc, eq, gte, lt, lte, or } from 'drizzle-orm';
import { insertPart, updatePart, type Part } from '../changes/change.js';
import { firstIdAt, type ListPayments } from './payment-list.js';
import { paymentIdSchema, type Payment, type PaymentId } from './payment.js';
import { paymentTable } from './payments.tables.js';

/** Payments in PostgreSQL; a client reaches its own only. */
@Injectable()
export class PaymentsStore {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  insert(payment: Payment): Part {
    return insertPart('payment', { ...immutableColumns(payment), ...mutableColumns(payment) });
  }

  /** The payment one version on; `stale` when another has changed it meanwhile. */
  update(before: Payment, after: Payment): Part {
    return updatePart('payment', before, mutableColumns(after));
  }

  /** The client's own payment. */
  async find(id: PaymentId, clientId: string): Promise<Payment | undefined> {
    const own = and(eq(paymentTable.id, id), eq(paymentTable.clientId, clientId));
    const [payment] = await this.database.select().from(paymentTable).where(own);
    return payment;
  }

  /** A payment that must be there: a key, a refund or recovery names it. */
  async get(id: string): Promise<Payment> {
    const named = eq(paymentTable.id, paymentIdSchema.parse(id));
    const [payment] = await this.database.select().from(paymentTable).where(named);
    if (payment === undefined) throw new Error(`payment ${id} does not exist`);
    return payment;
  }

  /** The client's own, newest first; one more than the page holds, so that the caller knows whether another follows. */
  list(clientId: string, query: ListPayments): Promise<Payment[]> {
    const { status, account, reference, from, to, cursor, limit } = query;
    return this.database
      .select()
      .from(paymentTable)
      .where(
        and(
          eq(paymentTable.clientId, clientId),
          status === undefined ? undefined : eq(paymentTable.status, status),
          account === undefined
            ? undefined
            : or(eq(paymentTable.fromAccount, account), eq(paymentTable.toAccount, account)),
          reference === undefined ? undefined : eq(paymentTable.reference, reference),
          from === undefined ? undefined : gte(paymentTable.id, paymentIdSchema.parse(firstIdAt(from))),
          to === undefined ? undefined : lt(paymentTable.id, paymentIdSchema.parse(firstIdAt(to))),
          cursor === undefined ? undefined : lt(paymentTable.id, cursor),
        ),
      )
      .orderBy(desc(paymentTable.id))
      .limit(limit + 1);
  }

  /** Payments that recovery should look at by now, the longest overdue first. */
  due(now: Date, limit: number): Promise<Payment[]> {
    return this.database
      .select()
      .from(paymentTable)
      .where(lte(paymentTable.attendAt, now))
      .orderBy(asc(paymentTable.attendAt))
      .limit(limit);
  }
}

function immutableColumns(payment: Payment): Readonly<Record<string, unknown>> {
  return {
    id: payment.id,
    capture: payment.capture,
    transfer_id: payment.transferId,
    from_account: payment.fromAccount,
    to_account: payment.toAccount,
    amount: payment.amount,
    currency: payment.currency,
    reference: payment.reference,
    hold_seconds: payment.holdSeconds,
    subject: payment.subject,
    client_id: payment.clientId,
    actors: payment.actors,
    txn: payment.txn,
    created_at: payment.createdAt,
  };
}

function mutableColumns(payment: Payment): Readonly<Record<string, unknown>> {
  return {
    status: payment.status,
    captured: payment.captured,
    refunded: payment.refunded,
    refunding: payment.refunding,
    failure: payment.failure,
    pending: payment.pending,
    pending_amount: payment.pendingAmount,
    expires_at: payment.expiresAt,
    order_until: payment.orderUntil,
    attend_at: payment.attendAt,
    version: payment.version,
    updated_at: payment.updatedAt,
  };
}
