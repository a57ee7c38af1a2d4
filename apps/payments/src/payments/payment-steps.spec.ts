import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { currencySchema } from '@countersign/money';
import fc from 'fast-check';
import { type TransferState } from '../accounts/transfer-state.js';
import {
  beginCancel,
  beginCapture,
  beginRefund,
  endRefund,
  applyTransfer,
  mayBecome,
  paymentSteps,
  refundable,
} from './payment-steps.js';
import { paymentIdSchema, paymentStatuses, type Payment } from './payment.js';

const root = resolve(import.meta.dirname, '../../../..');
const now = new Date('2026-01-01T00:00:00Z');
const times = { orderUntil: now, dueAt: now };
const euro = currencySchema.parse('EUR');
const created: Payment = {
  id: paymentIdSchema.parse('01900000-0000-7000-8000-000000000001'),
  status: 'created',
  capture: 'automatic',
  transferId: 't',
  fromAccount: 'a',
  toAccount: 'b',
  amount: 100n,
  captured: 0n,
  refunded: 0n,
  refunding: 0n,
  currency: euro,
  reference: '',
  failure: null,
  pending: null,
  pendingAmount: null,
  holdSeconds: null,
  expiresAt: null,
  orderUntil: now,
  dueAt: now,
  version: 1,
  subject: 's',
  clientId: 'c',
  actors: [],
  txn: 'x',
  createdAt: now,
  updatedAt: now,
};
const held: Payment = { ...created, status: 'held', expiresAt: new Date(now.getTime() + 60_000) };
const ways = Object.entries(paymentSteps).flatMap(([step, pairs]) =>
  pairs.map(([from, to]) => `${from} --> ${to}: ${step}`),
);

describe('the transitions of a payment', () => {
  it('are the same in the documentation and in the code', () => {
    const text = readFileSync(resolve(root, 'docs/payments.md'), 'utf8');
    const drawn = [...text.matchAll(/^ {2}(\w+ --> \w+: \w+)$/gm)].map(([, way]) => way);
    expect(drawn.sort()).toEqual(ways.sort());
  });

  it('are the same in the database and in the code', () => {
    const sql = readFileSync(resolve(root, 'apps/payments/migrations/0001_steps_and_webhooks.sql'), 'utf8');
    const held = [...sql.matchAll(/WHEN '(\w+)' THEN ARRAY\[([^\]]+)\]/g)].flatMap(([, from, to]) =>
      (to ?? '').split(', ').map((one) => `${from ?? ''}>${one.replaceAll("'", '')}`),
    );
    const inCode = Object.values(paymentSteps).flatMap((pairs) => pairs.map(([from, to]) => `${from}>${to}`));
    expect(held.sort()).toEqual(inCode.sort());
  });

  it('never leave a final status', () => {
    for (const end of ['failed', 'cancelled', 'expired', 'refunded'] as const) {
      expect(paymentStatuses.filter((status) => mayBecome(end, status))).toEqual([end]);
    }
  });
});

describe('a payment', () => {
  const states: readonly TransferState[] = [
    { kind: 'posted' },
    { kind: 'held', expiresAt: now },
    { kind: 'voided' },
    { kind: 'expired' },
    { kind: 'refused', code: 'INSUFFICIENT_FUNDS', detail: '' },
    { kind: 'absent' },
  ];

  it('follows its transfer from created', () => {
    expect(
      states.map((state) => applyTransfer(created, state, now)).map(({ status, failure }) => [status, failure]),
    ).toEqual([
      ['settled', null],
      ['held', null],
      ['failed', 'HOLD_VOIDED'],
      ['failed', 'HOLD_EXPIRED'],
      ['failed', 'INSUFFICIENT_FUNDS'],
      ['failed', 'PAYMENT_ABANDONED'],
    ]);
  });

  it('follows its transfer from held, and stays held when a capture is refused', () => {
    const known = states.filter(({ kind }) => kind !== 'absent');
    expect(known.map((state) => applyTransfer(held, state, now).status)).toEqual([
      'settled',
      'held',
      'cancelled',
      'expired',
      'held',
    ]);
    expect(() => applyTransfer(held, { kind: 'absent' }, now)).toThrow(/does not know/);
  });

  it('does not change once it has ended, whatever happens to its transfer', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...paymentStatuses.filter((status) => status !== 'created' && status !== 'held')),
        fc.constantFrom(...states),
        (status, state) => {
          const ended = { ...held, status };
          expect(applyTransfer(ended, state, now)).toBe(ended);
        },
      ),
    );
  });

  it('settles for the amount posted in the ledger, otherwise for the amount to capture', () => {
    const part = beginCapture(held, { amount: 60n, currency: euro }, times, now);
    if (!part.ok) throw new Error(part.refusal);
    expect(applyTransfer(part.payment, { kind: 'posted' }, now).captured).toBe(60n);
    expect(applyTransfer(part.payment, { kind: 'posted', amount: 50n }, now).captured).toBe(50n);
  });

  it('takes one step of its hold at a time', () => {
    const begun = beginCapture(held, undefined, times, now);
    if (!begun.ok) throw new Error(begun.refusal);
    expect(beginCancel(begun.payment, times, now)).toEqual({ ok: false, refusal: 'PAYMENT_BUSY' });
    expect(beginCapture(begun.payment, undefined, times, now)).toEqual({ ok: false, refusal: 'PAYMENT_BUSY' });
    expect(beginCancel(created, times, now)).toEqual({ ok: false, refusal: 'PAYMENT_NOT_HELD' });
  });

  it('is never refunded beyond what was captured, including reservations, in whatever order refunds begin, end and fail', () => {
    const action = fc.record({ begin: fc.boolean(), paid: fc.boolean(), amount: fc.bigInt({ min: 1n, max: 60n }) });
    fc.assert(
      fc.property(fc.array(action, { maxLength: 40 }), (actions) => {
        let payment: Payment = { ...created, status: 'settled', captured: 100n };
        const open: bigint[] = [];
        let paid = 0n;
        for (const { begin, amount, paid: succeeds } of actions) {
          const [first] = open;
          if (begin || first === undefined) {
            const step = beginRefund(payment, { amount, currency: euro }, now);
            expect(step.ok).toBe(
              amount <= refundable(payment) && ['settled', 'partially_refunded'].includes(payment.status),
            );
            if (!step.ok) continue;
            payment = step.payment;
            open.push(amount);
          } else {
            open.shift();
            if (succeeds) paid += first;
            payment = endRefund(payment, first, succeeds, now);
          }
          expect(payment.refunded).toBe(paid);
          expect(payment.refunding).toBe(open.reduce((sum, one) => sum + one, 0n));
          expect(payment.refunded + payment.refunding <= payment.captured).toBe(true);
          expect(payment.status === 'refunded').toBe(paid === payment.captured);
        }
      }),
    );
  });
});
