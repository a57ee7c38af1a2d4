import { Inject, Injectable } from '@nestjs/common';
import { DATABASE, type Database } from '@countersign/service-host';
import { asc, eq, gt } from 'drizzle-orm';
import { paymentTable } from '../payments/payments.tables.js';
import { refundTable } from '../refunds/refunds.tables.js';
import { type Kept } from './difference.js';

/** Payments and refunds in the order of their transfers. */
@Injectable()
export class ReconciliationStore {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** The next records, by their transfers' ids. @param after the previous transfer id */
  async page(after: string, limit: number): Promise<readonly Kept[]> {
    const [payments, refunds] = await Promise.all([
      this.database
        .select()
        .from(paymentTable)
        .where(gt(paymentTable.transferId, after))
        .orderBy(asc(paymentTable.transferId))
        .limit(limit),
      this.#refunds(gt(refundTable.transferId, after), limit),
    ]);
    const all: Kept[] = [...payments.map((payment) => ({ kind: 'payment' as const, payment })), ...refunds];
    return all.sort((one, other) => (transferIdOf(one) < transferIdOf(other) ? -1 : 1)).slice(0, limit);
  }

  /** The record of a transfer. */
  async ofTransfer(transferId: string): Promise<Kept | undefined> {
    const [payment] = await this.database.select().from(paymentTable).where(eq(paymentTable.transferId, transferId));
    if (payment !== undefined) return { kind: 'payment', payment };
    return (await this.#refunds(eq(refundTable.transferId, transferId), 1))[0];
  }

  async #refunds(where: ReturnType<typeof gt>, limit: number): Promise<readonly Kept[]> {
    const rows = await this.database
      .select()
      .from(refundTable)
      .innerJoin(paymentTable, eq(paymentTable.id, refundTable.paymentId))
      .where(where)
      .orderBy(asc(refundTable.transferId))
      .limit(limit);
    return rows.map(({ refund, payment }) => ({ kind: 'refund', refund, payment }));
  }
}

export function transferIdOf(kept: Kept): string {
  return kept.kind === 'payment' ? kept.payment.transferId : kept.refund.transferId;
}
