import { between, pick, type Random } from './random.js';

/** What a client of the load wants: one payment, and what it does with it. Its reference is unique. */
export interface Deal {
  readonly reference: string;
  readonly kind: 'pay' | 'capture' | 'cancel' | 'refund';
  /** Minor units of the payment. */
  readonly amount: number;
  /** Minor units of the capture or the refund. */
  readonly part: number;
  /** Whether the client comes back with the same Idempotency-Key until it is answered, or goes away after its first failure. */
  readonly stays: boolean;
}

/** The outcome of a deal from its client's view. */
export interface Dealt extends Deal {
  /** The payment in the last answer; undefined when the client went away without one. */
  readonly answered: AnsweredPayment | undefined;
  /** Requests that had to be sent again. */
  readonly retries: number;
  /** Requests that went wrong, whether they were sent again or not, and why. */
  readonly failures: readonly string[];
  /** An answer that no client should get. */
  readonly wrong: string | undefined;
}

export interface AnsweredPayment {
  readonly id: string;
  readonly status: string;
}

export function newDeal(reference: string, random: Random): Deal {
  const amount = between(random, 10, 5_000);
  return {
    reference,
    kind: pick(random, ['pay', 'pay', 'pay', 'capture', 'cancel', 'refund'] as const),
    amount,
    part: between(random, 1, amount),
    stays: random() < 0.9,
  };
}

/** Where the money of a deal ends once its client has an answer. */
export function endOf({ kind, amount, part }: Deal): { readonly status: string; readonly net: number } {
  switch (kind) {
    case 'pay':
      return { status: 'settled', net: amount };
    case 'capture':
      return { status: 'settled', net: part };
    case 'cancel':
      return { status: 'cancelled', net: 0 };
    case 'refund':
      return { status: part === amount ? 'refunded' : 'partially_refunded', net: amount - part };
  }
}
