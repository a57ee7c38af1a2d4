import { originatorOf, type Originator } from '@countersign/auth-core';
import { mayGive, type Account, type AccountId } from '../accounts/account.js';
import { authorityOf, mayEnd, mayTakeFrom, type LedgerPrincipal } from '../authority.js';
import { mayTakeBack, refuseCorrection, refuseCorrector } from './correction.js';
import {
  endsOf,
  move,
  release,
  reserve,
  takesFrom,
  type Accounts,
  type Movement,
  type NewEntry,
  type Side,
} from './movement.js';
import { refuse, refuseStranger, type Refusal, type RefusalCode } from './refusal.js';
import { isSameTransfer, type CreateTransfer, type LedgerCommand, type PostHold } from './transfer-command.js';
import { isOverdue, type Hold, type Leg, type Transfer, type TransferId } from './transfer.js';

/** The part of the ledger that a command concerns, read under the locks. */
export interface Ledger {
  readonly accounts: Accounts;
  readonly transfers: ReadonlyMap<TransferId, Transfer>;
  /** All transfers that correct this one. */
  correctionsOf(id: TransferId): readonly Transfer[];
  /** Days within which a transfer may be taken back from another's account. */
  readonly correctionAgeDays: number;
}

/** The effect of a command on the ledger: none, if it was executed before. */
export interface Decision {
  readonly ok: true;
  readonly transfer: Transfer;
  readonly change: 'none' | 'created' | 'ended';
  readonly entries: readonly NewEntry[];
  readonly accounts: Accounts;
}

const nothing = { entries: [], accounts: new Map<AccountId, Account>() } as const;
const before = (transfer: Transfer): Decision => ({ ok: true, transfer, change: 'none', ...nothing });

/** Not before now, nor before any entry of these accounts: entries of one account never go back in time. */
function postingTime(legs: readonly Leg[], accounts: Accounts, now: Date): Date {
  const times = endsOf(legs).map(({ id }) => accounts.get(id)?.changedAt.getTime() ?? 0);
  return new Date(Math.max(now.getTime(), ...times));
}

/** Why an account cannot be one end of a leg, no matter who asks. */
function unfit(account: Account, side: Side, { currency }: Leg): RefusalCode | undefined {
  if (account.currency !== currency) return 'CURRENCY_MISMATCH';
  if (account.status === 'frozen') return 'ACCOUNT_FROZEN';
  if (account.status === 'closed') return 'ACCOUNT_CLOSED';
  return side === 'debit' && !mayGive(account) ? 'ACCOUNT_CANNOT_GIVE' : undefined;
}

/**
 * Whether each leg names accounts that exist, can be used, and may be debited by the principal. An account's state is shown to those
 * who may take from it or read it, before anything is reported about others' accounts: to strangers an unusable account looks like one that does
 * not exist.
 * @param takingBack whether the principal may take back from others' accounts what one of its transfers paid them
 */
function refuseLegs(
  legs: readonly Leg[],
  accounts: Accounts,
  by: LedgerPrincipal,
  takingBack: boolean,
): Refusal | undefined {
  if (legs.some((leg) => leg.debitAccount === leg.creditAccount)) return refuse('SAME_ACCOUNT');
  let undisclosed: Refusal | undefined;
  for (const leg of legs) {
    for (const { id, side } of endsOf([leg])) {
      const account = accounts.get(id);
      if (account === undefined) {
        undisclosed ??= refuse('ACCOUNT_UNKNOWN');
        continue;
      }
      const mayTake = takingBack || mayTakeFrom(by, account.owner);
      const fault = unfit(account, side, leg);
      if (fault !== undefined && (mayTake || authorityOf(by).readAll)) return refuse(fault);
      if ((side === 'debit' || takesFrom(account, side)) && !mayTake) undisclosed ??= refuse('ACCOUNT_UNKNOWN', true);
      if (fault !== undefined) undisclosed ??= refuseStranger(fault);
    }
  }
  return undisclosed;
}

function create(command: CreateTransfer, by: LedgerPrincipal, ledger: Ledger, now: Date): Decision | Refusal {
  const origin = originatorOf(by);
  const existing = ledger.transfers.get(command.id);
  if (existing !== undefined) {
    return isSameTransfer(existing, command, origin) ? before(existing) : refuse('TRANSFER_ID_REUSED');
  }
  const { legs, corrects } = command;
  let takingBack = false;
  if (corrects !== null) {
    const original = ledger.transfers.get(corrects);
    if (original === undefined) return refuse('CORRECTED_TRANSFER_UNKNOWN');
    const refusal =
      refuseCorrector(original, legs, ledger.accounts, by, now, ledger.correctionAgeDays) ??
      refuseCorrection(original, ledger.correctionsOf(corrects), legs);
    if (refusal !== undefined) return refusal;
    takingBack = mayTakeBack(original, by);
  }
  const refusal = refuseLegs(legs, ledger.accounts, by, takingBack);
  if (refusal !== undefined) return refusal;
  const held = command.holdSeconds !== null;
  const madeAt = held ? now : postingTime(legs, ledger.accounts, now);
  const movement = held ? reserve(legs, ledger.accounts) : move(legs, ledger.accounts, madeAt);
  if (!movement.ok) return movement;
  const { id, reference, metadata, holdSeconds } = command;
  const hold: Hold | null =
    holdSeconds === null
      ? null
      : {
          status: 'held',
          expiresAt: new Date(madeAt.getTime() + holdSeconds * 1_000),
          postedAmount: null,
          endedAt: null,
          endedBy: null,
        };
  return {
    ...movement,
    transfer: { id, reference, metadata, legs, corrects, origin, madeAt, hold },
    change: 'created',
  };
}

/** How much of the hold a post uses: any part for one leg, everything for several. */
function postedAmount(
  legs: readonly Leg[],
  { amount }: PostHold,
): Refusal | { readonly ok: true; readonly amount: bigint | null } {
  const [only, second] = legs;
  if (only === undefined || second !== undefined) {
    return amount === undefined ? { ok: true, amount: null } : refuse('PARTIAL_POST_OF_LEGS');
  }
  if (amount === undefined) return { ok: true, amount: only.amount };
  if (amount.currency !== only.currency) return refuse('CURRENCY_MISMATCH');
  return amount.amount > only.amount ? refuse('AMOUNT_ABOVE_HOLD') : { ok: true, amount: amount.amount };
}

function post(
  command: PostHold,
  hold: Hold,
  transfer: Transfer,
  by: Originator,
  ledger: Ledger,
  now: Date,
): Decision | Refusal {
  const part = postedAmount(transfer.legs, command);
  if (!part.ok) return part;
  if (hold.status === 'posted' && hold.postedAmount === part.amount) return before(transfer);
  if (isOverdue(hold, now) || hold.status === 'expired') return refuse('HOLD_EXPIRED');
  if (hold.status !== 'held') return refuse('TRANSFER_NOT_HELD');
  const freed = release(transfer.legs, ledger.accounts);
  if (!freed.ok) return freed;
  const at = postingTime(transfer.legs, ledger.accounts, now);
  const legs = transfer.legs.map((leg) => ({ ...leg, amount: part.amount ?? leg.amount }));
  const moved = move(legs, new Map([...ledger.accounts, ...freed.accounts]), at);
  if (!moved.ok) return moved;
  return {
    ok: true,
    transfer: { ...transfer, hold: { ...hold, status: 'posted', postedAmount: part.amount, endedAt: at, endedBy: by } },
    change: 'ended',
    entries: moved.entries,
    accounts: new Map([...freed.accounts, ...moved.accounts]),
  };
}

/** Ends a hold without moving money. */
function free(
  status: 'voided' | 'expired',
  hold: Hold,
  transfer: Transfer,
  by: Originator | null,
  ledger: Ledger,
  now: Date,
): Decision | Refusal {
  const freed: Movement | Refusal = release(transfer.legs, ledger.accounts);
  if (!freed.ok) return freed;
  return { ...freed, transfer: { ...transfer, hold: { ...hold, status, endedAt: now, endedBy: by } }, change: 'ended' };
}

/**
 * All of the ledger's rules: a command's effect on the accounts and transfers that it names, or its refusal.
 * Pure: the caller holds the locks on the accounts.
 * @param principal undefined for the ledger's own `expire`
 */
export function decide(
  command: LedgerCommand,
  principal: LedgerPrincipal | null,
  ledger: Ledger,
  now: Date,
): Decision | Refusal {
  if (command.kind === 'create') {
    return principal === null ? refuse('ACCOUNT_UNKNOWN', true) : create(command, principal, ledger, now);
  }
  const transfer = ledger.transfers.get(command.id);
  if (transfer === undefined) return refuse('TRANSFER_UNKNOWN');
  const { hold } = transfer;
  if (command.kind === 'expire') {
    if (hold === null || !isOverdue(hold, now)) return before(transfer);
    return free('expired', hold, transfer, null, ledger, now);
  }
  if (principal === null || !mayEnd(principal, transfer.origin)) return refuse('TRANSFER_UNKNOWN', true);
  if (hold === null) return refuse('TRANSFER_NOT_HELD');
  if (command.kind === 'post') return post(command, hold, transfer, originatorOf(principal), ledger, now);
  if (hold.status === 'voided') return before(transfer);
  if (isOverdue(hold, now) || hold.status === 'expired') return refuse('HOLD_EXPIRED');
  if (hold.status !== 'held') return refuse('TRANSFER_NOT_HELD');
  return free('voided', hold, transfer, originatorOf(principal), ledger, now);
}
