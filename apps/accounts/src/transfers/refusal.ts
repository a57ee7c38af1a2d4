/** Why the ledger refuses a command: the code, and the detail for the caller. */
export const refusals = {
  ACCOUNT_UNKNOWN:
    'An account of this transfer does not exist, is not yours to debit, or does not accept this currency.',
  ACCOUNT_CANNOT_GIVE:
    'This kind of account can pay out more than it has, so someone with the scope accounts:overdraft must first set its overdraft rule.',
  SAME_ACCOUNT: 'A leg needs two different accounts.',
  CURRENCY_MISMATCH: 'Both accounts of a leg must have the currency of its amount.',
  ACCOUNT_FROZEN: 'An account of this transfer is frozen.',
  ACCOUNT_CLOSED: 'An account of this transfer is closed.',
  INSUFFICIENT_FUNDS: "The account's available balance does not cover this transfer.",
  BALANCE_LIMIT: 'The balance would exceed the range that this ledger can hold.',
  TRANSFER_ID_REUSED: 'This id belongs to another transfer; send a new id.',
  TRANSFER_UNKNOWN: 'There is no such transfer.',
  TRANSFER_NOT_HELD: 'The transfer is no longer held, or was posted with another amount.',
  HOLD_EXPIRED: 'The hold has expired and its funds were released; create a new transfer.',
  AMOUNT_ABOVE_HOLD: 'The amount is more than the hold reserves.',
  PARTIAL_POST_OF_LEGS: 'A hold with several legs can only be posted in full; leave out the amount.',
  CORRECTED_TRANSFER_UNKNOWN: 'You have no such transfer to correct.',
  CORRECTION_NOT_YOURS:
    "Taking money back from another owner's account needs that owner's token or the scope transfers:correct.",
  CORRECTION_TOO_OLD: 'The transfer is too old to correct without the owner of the account that received it.',
  CORRECTED_TRANSFER_NOT_POSTED: 'Only a posted transfer can be corrected.',
  CORRECTION_NOT_REVERSED: 'Each leg of a correction must reverse a leg of the corrected transfer.',
  CORRECTION_ABOVE_ORIGINAL: 'All corrections together would exceed the amount of the transfer.',
} as const;
export type RefusalCode = keyof typeof refusals;

/**
 * A command that the ledger refuses; it has no effect. `denied` records that it was a matter of authority, which the caller does not see;
 * so does `reason`, if it differs from the code.
 */
export interface Refusal {
  readonly ok: false;
  readonly code: RefusalCode;
  readonly denied: boolean;
  readonly reason: RefusalCode;
}

export function refuse(code: RefusalCode, denied = false): Refusal {
  return { ok: false, code, denied, reason: code };
}

/** As if the account did not exist: only its owner may know its state. @param reason for the trail only */
export function refuseStranger(reason: RefusalCode): Refusal {
  return { ok: false, code: 'ACCOUNT_UNKNOWN', denied: false, reason };
}
