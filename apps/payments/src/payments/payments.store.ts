import { Inject, Injectable } from '@nestjs/common';
import { DATABASE, type Database, type Transaction } from '@countersign/service-host';
import { and, desc, eq, lt } from 'drizzle-orm';
import { paymentIdSchema, type ListPayments, type Payment } from './payment.js';
import { paymentTable } from './payments.tables.js';

/** Payments in PostgreSQL; a client reaches its own only. */
@Injectable()
export class PaymentsStore {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  async insert(transaction: Transaction, payment: Payment): Promise<void> {
    await transaction.insert(paymentTable).values(payment);
  }

  /** The payment, locked until the transaction ends. */
  async lock(transaction: Transaction, id: string): Promise<Payment> {
    const [payment] = await transaction
      .select()
      .from(paymentTable)
      .where(eq(paymentTable.id, paymentIdSchema.parse(id)))
      .for('update');
    if (payment === undefined) throw new Error(`payment ${id} is named by an idempotency key but does not exist`);
    return payment;
  }

  async update(transaction: Transaction, payment: Payment): Promise<void> {
    const { status, failure, updatedAt } = payment;
    await transaction.update(paymentTable).set({ status, failure, updatedAt }).where(eq(paymentTable.id, payment.id));
  }

  async find(id: string, clientId: string): Promise<Payment | undefined> {
    const [payment] = await this.database
      .select()
      .from(paymentTable)
      .where(and(eq(paymentTable.id, paymentIdSchema.parse(id)), eq(paymentTable.clientId, clientId)));
    return payment;
  }

  /** One more than the page holds, so that the caller knows whether another follows. */
  list(clientId: string, query: ListPayments): Promise<Payment[]> {
    return this.database
      .select()
      .from(paymentTable)
      .where(
        and(
          eq(paymentTable.clientId, clientId),
          query.status === undefined ? undefined : eq(paymentTable.status, query.status),
          query.cursor === undefined ? undefined : lt(paymentTable.id, query.cursor),
        ),
      )
      .orderBy(desc(paymentTable.id))
      .limit(query.limit + 1);
  }
}
