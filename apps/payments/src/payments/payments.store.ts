import { Inject, Injectable } from '@nestjs/common';
import { type Reach } from '@countersign/auth-core';
import { DATABASE, withinReach, type Database } from '@countersign/service-host';
import { and, asc, desc, eq, gte, lt, lte, type SQL } from 'drizzle-orm';
import { insertPart, updatePart, type Part } from '../changes/statement-parts.store.js';
import { firstIdAt } from '../first-id.js';
import { type ListPayments } from './payment-list.js';
import { paymentIdSchema, type Payment, type PaymentId } from './payment.js';
import { paymentTable } from './payments.tables.js';

/** Payments in PostgreSQL. A caller's queries are limited to its reach. */
@Injectable()
export class PaymentsStore {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  insert(payment: Payment): Part {
    return insertPart('payment', { ...immutableColumns(payment), ...mutableColumns(payment) });
  }

  /** The payment's next version; `stale` if it was changed in the meantime. */
  update(before: Payment, after: Payment): Part {
    return updatePart('payment', before, mutableColumns(after));
  }

  async find(id: PaymentId, reach: Reach): Promise<Payment | undefined> {
    const own = and(eq(paymentTable.id, id), withinReach(paymentTable, reach));
    const [payment] = await this.database.select().from(paymentTable).where(own);
    return payment;
  }

  /** The payment, no matter whose: a refund needs it although its maker, the payee, did not make the payment. */
  async findAnyones(id: PaymentId): Promise<Payment | undefined> {
    const [payment] = await this.database.select().from(paymentTable).where(eq(paymentTable.id, id));
    return payment;
  }

  /** A payment that must exist, because a key, a refund or recovery names it. */
  async get(id: string): Promise<Payment> {
    const payment = await this.findAnyones(paymentIdSchema.parse(id));
    if (payment === undefined) throw new Error(`payment ${id} does not exist`);
    return payment;
  }

  /** Those within reach, newest first; one more than the page holds, to know whether another page follows. */
  async list({ subject, clientId }: Reach, query: ListPayments): Promise<Payment[]> {
    const { account, limit } = query;
    const owners = [
      eq(paymentTable.subject, subject),
      ...(clientId === undefined ? [] : [eq(paymentTable.clientId, clientId)]),
    ];
    const sides =
      account === undefined
        ? [undefined]
        : [eq(paymentTable.fromAccount, account), eq(paymentTable.toAccount, account)];
    // One statement with `or` would read all payments down to the first match, because no index has the order of several.
    const pages = await Promise.all(
      owners.flatMap((owner) => sides.map((side) => this.#page(and(owner, side), query))),
    );
    return newestOf(pages.flat(), limit + 1);
  }

  #page(whose: SQL | undefined, { status, reference, from, to, cursor, limit }: ListPayments): Promise<Payment[]> {
    return this.database
      .select()
      .from(paymentTable)
      .where(
        and(
          whose,
          status === undefined ? undefined : eq(paymentTable.status, status),
          reference === undefined ? undefined : eq(paymentTable.reference, reference),
          from === undefined ? undefined : gte(paymentTable.id, paymentIdSchema.parse(firstIdAt(from))),
          to === undefined ? undefined : lt(paymentTable.id, paymentIdSchema.parse(firstIdAt(to))),
          cursor === undefined ? undefined : lt(paymentTable.id, cursor),
        ),
      )
      .orderBy(desc(paymentTable.id))
      .limit(limit + 1);
  }

  /** Payments that are due for recovery, longest overdue first. */
  due(now: Date, limit: number): Promise<Payment[]> {
    return this.database
      .select()
      .from(paymentTable)
      .where(lte(paymentTable.dueAt, now))
      .orderBy(asc(paymentTable.dueAt))
      .limit(limit);
  }
}

/** Without duplicates. */
function newestOf(payments: readonly Payment[], limit: number): Payment[] {
  const byId = new Map(payments.map((payment) => [payment.id, payment]));
  return [...byId.values()].sort((one, other) => (one.id < other.id ? 1 : -1)).slice(0, limit);
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
    attend_at: payment.dueAt,
    version: payment.version,
    updated_at: payment.updatedAt,
  };
}
