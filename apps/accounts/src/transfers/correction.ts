import { authorityOf, mayTakeFrom, type LedgerPrincipal } from '../authority.js';
import { endsOf, takesFrom, type Accounts } from './movement.js';
import { refuse, type Refusal } from './refusal.js';
import { postedAt, postedLegs, type Leg, type Transfer } from './transfer.js';

const pairOf = (from: string, to: string, { currency }: Leg): string => `${from} ${to} ${currency}`;

/** What a correction returns, or may still return while it is held: even past its expiry, until that is recorded, because clocks differ. */
function correctedLegs(correction: Transfer): readonly Leg[] {
  return correction.hold?.status === 'held' ? correction.legs : postedLegs(correction);
}

/**
 * Whether legs may correct a posted transfer: each must reverse one of its legs, and all corrections together must not reverse more than was
 * moved.
 * @param earlier all other transfers that correct the same one
 * @returns the refusal, or undefined
 */
export function refuseCorrection(
  original: Transfer,
  earlier: readonly Transfer[],
  legs: readonly Leg[],
): Refusal | undefined {
  const moved = postedLegs(original);
  if (moved.length === 0) return refuse('CORRECTED_TRANSFER_NOT_POSTED');
  const left = new Map<string, bigint>();
  for (const leg of moved) {
    const pair = pairOf(leg.creditAccount, leg.debitAccount, leg);
    left.set(pair, (left.get(pair) ?? 0n) + leg.amount);
  }
  for (const leg of [...earlier.flatMap(correctedLegs), ...legs]) {
    const pair = pairOf(leg.debitAccount, leg.creditAccount, leg);
    const rest = left.get(pair);
    if (rest === undefined) return refuse('CORRECTION_NOT_REVERSED');
    if (rest < leg.amount) return refuse('CORRECTION_ABOVE_ORIGINAL');
    left.set(pair, rest - leg.amount);
  }
  return undefined;
}

/** Days are of 24 hours. */
const DAY_MS = 86_400_000;

/** Whether the principal may take the transfer's money back from its recipient: with `transfers:correct`, as the client that made it. */
export function mayTakeBack(original: Transfer, by: LedgerPrincipal): boolean {
  return authorityOf(by).correct && original.origin.clientId === by.clientId;
}

/**
 * Whether the principal may name a transfer for correction: its maker, anyone who may take it back, an owner of one of its accounts, or anyone who
 * may take from all accounts. To anyone else it does not exist.
 */
function knows(original: Transfer, accounts: Accounts, by: LedgerPrincipal): boolean {
  if (original.origin.subject === by.subject || authorityOf(by).administer || mayTakeBack(original, by)) return true;
  return endsOf(original.legs).some(({ id }) => accounts.get(id)?.owner === by.subject);
}

/**
 * Whether the principal may correct the transfer with these legs. The owner may always return money. Taking money back from another's account
 * needs `transfers:correct`, from the client that made the transfer, within the age limit.
 * @param ageLimitDays days since the transfer was posted
 * @returns the refusal, or undefined
 */
export function refuseCorrector(
  original: Transfer,
  legs: readonly Leg[],
  accounts: Accounts,
  by: LedgerPrincipal,
  now: Date,
  ageLimitDays: number,
): Refusal | undefined {
  if (!knows(original, accounts, by)) return refuse('CORRECTED_TRANSFER_UNKNOWN', true);
  const takesFromOthers = endsOf(legs).some(({ id, side }) => {
    const account = accounts.get(id);
    return account !== undefined && (side === 'debit' || takesFrom(account, side)) && !mayTakeFrom(by, account.owner);
  });
  if (!takesFromOthers) return undefined;
  if (!mayTakeBack(original, by)) return refuse('CORRECTION_NOT_YOURS', true);
  const since = postedAt(original);
  const tooOld = since !== undefined && now.getTime() - since.getTime() > ageLimitDays * DAY_MS;
  return tooOld ? refuse('CORRECTION_TOO_OLD') : undefined;
}
