import { z } from 'zod';
import { endOf, type Dealt } from './deal.js';

export const paymentsSchema = z.array(
  z.looseObject({
    id: z.string(),
    status: z.string(),
    reference: z.string(),
    transfer_id: z.string(),
    capture: z.enum(['automatic', 'manual']),
    captured: z.object({ amount: z.coerce.number() }),
    refunded: z.object({ amount: z.coerce.number() }),
  }),
);
export type Payment = z.infer<typeof paymentsSchema>[number];

export const entriesSchema = z.array(
  z.looseObject({
    transfer_id: z.string(),
    side: z.enum(['debit', 'credit']),
    amount: z.object({ amount: z.coerce.number() }),
    reference: z.string(),
  }),
);
export type Entry = z.infer<typeof entriesSchema>[number];

/** Whether nobody knows yet how it ends: left by a client that went away, until recovery may conclude. */
export function isUnderWay({ status }: Payment): boolean {
  return status === 'created';
}

/** A hold whose client never came back stays until it expires. */
const openEnds = new Set(['created', 'held']);

/**
 * No payment doubled, none lost: each deal has one payment, as in its client's last answer, and the merchant's statement has that much of it.
 * @param payments all of the load's
 * @param entries the merchant's whole statement
 * @returns what is wrong, in words
 */
export function moneyFaults(
  dealt: readonly Dealt[],
  payments: readonly Payment[],
  entries: readonly Entry[],
): readonly string[] {
  const faults: string[] = dealt.flatMap(({ wrong }) => wrong ?? []);
  const byReference = Map.groupBy(payments, ({ reference }) => reference);
  const entriesOf = Map.groupBy(entries, ({ reference }) => reference);
  for (const deal of dealt) {
    const { reference, answered } = deal;
    const [payment, ...more] = byReference.get(reference) ?? [];
    const moved = entriesOf.get(reference) ?? [];
    if (more.length > 0) faults.push(`${reference}: ${String(more.length + 1)} payments instead of one`);
    if (moved.filter(({ side }) => side === 'credit').length > 1)
      faults.push(`${reference}: the merchant was paid more than once`);
    if (payment === undefined) {
      if (answered !== undefined) faults.push(`${reference}: answered as ${answered.status}, but lost`);
      if (moved.length > 0) faults.push(`${reference}: money moved without a payment`);
      continue;
    }
    const end = endOf(deal);
    if (
      answered !== undefined &&
      (answered.id !== payment.id || answered.status !== payment.status || payment.status !== end.status)
    ) {
      faults.push(`${reference}: answered as ${answered.status}, expected as ${end.status}, but is ${payment.status}`);
    }
    const net = moved.reduce((sum, { side, amount }) => sum + (side === 'credit' ? amount.amount : -amount.amount), 0);
    const expected = payment.captured.amount - payment.refunded.amount;
    if (!openEnds.has(payment.status) && net !== expected) {
      faults.push(`${reference}: ${String(net)} moved, but the ${payment.status} payment says ${String(expected)}`);
    }
    if (answered !== undefined && net !== end.net) {
      faults.push(`${reference}: ${String(net)} moved instead of ${String(end.net)}`);
    }
  }
  const known = new Set(dealt.map(({ reference }) => reference));
  const strangers = [...byReference.keys(), ...entriesOf.keys()].filter((reference) => !known.has(reference));
  return [...faults, ...strangers.map((reference) => `${reference}: nobody asked for it`)];
}
