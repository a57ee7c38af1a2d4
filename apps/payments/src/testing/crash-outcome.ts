import { z } from 'zod';
import { type CrashWorld, type Seen, type Step } from './crash-world.js';

/** What a client did, and what it saw of it. */
export interface ClientsStory {
  readonly client: string;
  /** Accounts that the payment is from and to. */
  readonly from: string;
  readonly to: string;
  /** What the merchant has spent of it since. */
  readonly spent: number;
  readonly steps: readonly Step[];
  readonly seen: readonly Seen[];
}

const paymentRow = z.object({
  id: z.string(),
  status: z.string(),
  transfer_id: z.string(),
  captured: z.coerce.number(),
  refunded: z.coerce.number(),
  refunding: z.coerce.number(),
  pending: z.string().nullable(),
  attend_at: z.date().nullable(),
  expires_at: z.date().nullable(),
});
const refundRow = z.object({
  id: z.string(),
  status: z.string(),
  transfer_id: z.string(),
  amount: z.coerce.number(),
  attend_at: z.date().nullable(),
});
const typeRow = z.object({ type: z.string() });

/** The transfer's states that fit to a payment's. */
const fitting: Readonly<Record<string, readonly string[]>> = {
  held: ['held'],
  settled: ['posted'],
  partially_refunded: ['posted'],
  refunded: ['posted'],
  failed: ['none', 'expired'],
  cancelled: ['voided'],
  expired: ['expired'],
};

/** Examines the remains of a client's payment, in the databases of payments and of accounts. */
export class CrashOutcome {
  constructor(private readonly world: CrashWorld) {}

  async #rows<Row extends z.ZodType>(row: Row, text: string, value: string): Promise<z.infer<Row>[]> {
    return z.array(row).parse((await this.world.pool.query(text, [value])).rows);
  }

  async #transfer(id: string): Promise<readonly [status: string, amount: number]> {
    const { rows: found } = await this.world.accounts.ledger.query<{ status: string | null; amount: string | null }>(
      `select (select case when h.status = 'held' and h.expires_at <= now() then 'expired' else h.status end
          from hold h where h.transfer_id = t.id) as status,
        (select sum(e.amount) from entry e where e.transfer_id = t.id and e.side = 'debit') as amount
       from transfer t where t.id = $1`,
      [id],
    );
    const [transfer] = found;
    if (transfer === undefined) return ['none', 0];
    return [transfer.status ?? 'posted', Number(transfer.amount ?? 0)];
  }

  async #events(resource: string): Promise<readonly string[]> {
    const found = await this.#rows(
      typeRow,
      `select event->>'type' as type from audit_outbox where event->>'subject' = $1 order by position`,
      resource,
    );
    return found.map(({ type }) => type.split('.').slice(2, 4).join('.'));
  }

  /** Expects all that must hold, whatever happened. */
  async check({ client, from, to, spent, seen, steps }: ClientsStory): Promise<void> {
    const payments = await this.#rows(paymentRow, 'select * from payment where client_id = $1', client);
    expect(payments.length).toBeLessThanOrEqual(1);
    const [payment] = payments;
    const [received, given] = [await this.world.balance(to), await this.world.balance(from)];
    if (payment === undefined) {
      expect([received, given, seen.some((answer) => answer !== undefined)]).toEqual([0, 0, false]);
      return;
    }
    const { status, captured, refunded, refunding, pending, attend_at, expires_at } = payment;
    expect({ refunding, pending }).toEqual({ refunding: 0, pending: null });
    expect(attend_at).toEqual(status === 'held' ? expires_at : null);
    const [transfer, posted] = await this.#transfer(payment.transfer_id);
    expect(fitting[status]).toContain(transfer);
    expect(posted).toBe(captured);
    expect([received, given]).toEqual([captured - refunded - spent, refunded - captured]);

    const refunds = await this.#rows(refundRow, 'select * from refund where payment_id = $1', payment.id);
    for (const refund of refunds) {
      expect(refund.attend_at).toBeNull();
      const [state, amount] = await this.#transfer(refund.transfer_id);
      expect([refund.status, state, amount]).toEqual(
        refund.status === 'settled' ? ['settled', 'posted', refund.amount] : ['failed', 'none', 0],
      );
    }
    const settled = refunds.filter(({ status: one }) => one === 'settled');
    expect(settled.reduce((sum, { amount }) => sum + amount, 0)).toBe(refunded);
    expect(refunds.length).toBeLessThanOrEqual(steps.filter(({ do: what }) => what === 'refund').length);

    const done = (await this.#events(`payment/${payment.id}`)).concat(
      ...(await Promise.all(refunds.map(({ id }) => this.#events(`refund/${id}`)))),
    );
    for (const type of ['created', 'held', 'settled', 'failed', 'cancelled', 'expired']) {
      const many = done.filter((one) => one === `payment.${type}`).length;
      expect([type, many <= 1]).toEqual([type, true]);
    }
    const ended = refunded > 0 ? 'settled' : status;
    expect(done).toContain(`payment.${ended}`);
    expect(done.filter((one) => one === 'refund.settled')).toHaveLength(settled.length);
    const notices = await this.#rows(typeRow, 'select type from webhook_delivery where payment_id = $1', payment.id);
    const noticeTypes = notices.map(({ type }) => type).sort();
    const wantedTypes = done.filter((one) =>
      /^(payment\.(held|settled|failed|cancelled|expired)|refund\.(settled|failed))$/.test(one),
    );
    expect(noticeTypes).toEqual(wantedTypes.sort());

    const answered = seen.filter((answer) => answer !== undefined);
    for (const [index, answer] of answered.entries()) {
      const step = steps[index]?.do;
      const paid = answer.status < 300;
      if (step === 'pay' && paid) expect(status).not.toBe('failed');
      if (step === 'pay' && !paid) expect(status).toBe('failed');
      if (step === 'capture' && paid) expect(captured).toBe(60);
      if (step === 'cancel' && paid) expect(status).toBe('cancelled');
      if (step === 'refund') expect(refunds[index - 1]?.status).toBe(paid ? 'settled' : 'failed');
    }
  }
}
