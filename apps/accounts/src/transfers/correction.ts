import { refuse, type Refusal } from './refusal.js';
import { postedLegs, statusOf, type Leg, type Transfer } from './transfer.js';

const pairOf = (from: string, to: string, { currency }: Leg): string => `${from} ${to} ${currency}`;

/** What a correction gives back, or may yet give back while it is held. */
function correctedLegs(correction: Transfer, now: Date): readonly Leg[] {
  return statusOf(correction, now) === 'held' ? correction.legs : postedLegs(correction);
}

/**
 * Whether legs may correct a posted transfer: each reverses one of its legs, and with all other corrections nothing is given back
 * beyond what was moved.
 * @param earlier all other transfers that correct the same one
 * @returns the refusal, or nothing
 */
export function refuseCorrection(
  original: Transfer,
  earlier: readonly Transfer[],
  legs: readonly Leg[],
  now: Date,
): Refusal | undefined {
  const moved = postedLegs(original);
  if (moved.length === 0) return refuse('CORRECTED_TRANSFER_NOT_POSTED');
  const left = new Map<string, bigint>();
  for (const leg of moved) {
    const pair = pairOf(leg.creditAccount, leg.debitAccount, leg);
    left.set(pair, (left.get(pair) ?? 0n) + leg.amount);
  }
  for (const leg of [...earlier.flatMap((correction) => correctedLegs(correction, now)), ...legs]) {
    const pair = pairOf(leg.debitAccount, leg.creditAccount, leg);
    const rest = left.get(pair);
    if (rest === undefined) return refuse('CORRECTION_NOT_REVERSED');
    if (rest < leg.amount) return refuse('CORRECTION_ABOVE_ORIGINAL');
    left.set(pair, rest - leg.amount);
  }
  return undefined;
}
