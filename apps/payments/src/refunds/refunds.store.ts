import { Inject, Injectable } from '@nestjs/common';
import { DATABASE, type Database } from '@countersign/service-host';
import { asc, eq, lte } from 'drizzle-orm';
import { insertPart, updatePart, type Part } from '../changes/change.js';
import { type Payment } from '../payments/payment.js';
import { refundIdSchema, type Refund } from './refund.js';
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

  /** Oldest first. A payment has few: each takes some of what was captured. */
  ofPayment({ id }: Pick<Payment, 'id'>, limit: number): Promise<Refund[]> {
    return this.database
      .select()
      .from(refundTable)
      .where(eq(refundTable.paymentId, id))
      .orderBy(asc(refundTable.id))
      .limit(limit);
  }

  /** Refunds that recovery should look at by now, the longest overdue first. */
  due(now: Date, limit: number): Promise<Refund[]> {
    return this.database
      .select()
      .from(refundTable)
      .where(lte(refundTable.attendAt, now))
      .orderBy(asc(refundTable.attendAt))
      .limit(limit);
  }
}

function mutableColumns(refund: Refund): Readonly<Record<string, unknown>> {
  return {
    status: refund.status,
    failure: refund.failure,
    order_until: refund.orderUntil,
    attend_at: refund.attendAt,
    version: refund.version,
    updated_at: refund.updatedAt,
  };
}
