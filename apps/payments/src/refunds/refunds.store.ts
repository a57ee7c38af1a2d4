import { Inject, Injectable } from '@nestjs/common';
import { DATABASE, type Database } from '@countersign/service-host';
import { and, asc, count, eq, gt, lte, ne } from 'drizzle-orm';
import { insertPart, updatePart, type Part } from '../changes/statement-parts.store.js';
import { type Payment } from '../payments/payment.js';
import { refundIdSchema, type ListRefunds, type Refund } from './refund.js';
import { refundTable } from './refunds.tables.js';

/** Refunds in PostgreSQL. */
@Injectable()
export class RefundsStore {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  insert(refund: Refund): Part {
    return insertPart('refund', {
      id: refund.id,
      payment_id: refund.paymentId,
      transfer_id: refund.transferId,
      amount: refund.amount,
      currency: refund.currency,
      reason: refund.reason,
      subject: refund.subject,
      client_id: refund.clientId,
      actors: refund.actors,
      txn: refund.txn,
      created_at: refund.createdAt,
      ...mutableColumns(refund),
    });
  }

  update(before: Refund, after: Refund): Part {
    return updatePart('refund', before, mutableColumns(after));
  }

  async get(id: string): Promise<Refund> {
    const [refund] = await this.database
      .select()
      .from(refundTable)
      .where(eq(refundTable.id, refundIdSchema.parse(id)));
    if (refund === undefined) throw new Error(`refund ${id} does not exist`);
    return refund;
  }

  /** Oldest first; one more than the page holds. */
  list({ id }: Pick<Payment, 'id'>, { cursor, limit }: ListRefunds): Promise<Refund[]> {
    const after = cursor === undefined ? undefined : gt(refundTable.id, cursor);
    return this.database
      .select()
      .from(refundTable)
      .where(and(eq(refundTable.paymentId, id), after))
      .orderBy(asc(refundTable.id))
      .limit(limit + 1);
  }

  /** How many refunds of the payment were made or are in progress; failed ones do not count. */
  async countOf({ id }: Pick<Payment, 'id'>): Promise<number> {
    const [found] = await this.database
      .select({ refunds: count() })
      .from(refundTable)
      .where(and(eq(refundTable.paymentId, id), ne(refundTable.status, 'failed')));
    return found?.refunds ?? 0;
  }

  /** Refunds that are due for recovery, longest overdue first. */
  due(now: Date, limit: number): Promise<Refund[]> {
    return this.database
      .select()
      .from(refundTable)
      .where(lte(refundTable.dueAt, now))
      .orderBy(asc(refundTable.dueAt))
      .limit(limit);
  }
}

function mutableColumns(refund: Refund): Readonly<Record<string, unknown>> {
  return {
    status: refund.status,
    failure: refund.failure,
    order_until: refund.orderUntil,
    attend_at: refund.dueAt,
    version: refund.version,
    updated_at: refund.updatedAt,
  };
}
