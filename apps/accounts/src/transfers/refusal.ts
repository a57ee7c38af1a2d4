/** Why the ledger refuses a command: the code, and the sentence that its caller reads. */
export const refusals = {
  ACCOUNT_UNKNOWN: 'An account of this transfer does not exist, is not yours to take from, or takes no such money.',
  ACCOUNT_CANNOT_GIVE:
    'An account of this kind gives what it does not have: someone with the scope accounts:overdraft must first set its overdraft rule.',
  SAME_ACCOUNT: 'A leg needs two different accounts.',
  CURRENCY_MISMATCH: 'Both accounts of a leg must have the currency of its amount.',
  ACCOUNT_FROZEN: 'An account of this transfer is frozen.',
  ACCOUNT_CLOSED: 'An account of this transfer is closed.',
  INSUFFICIENT_FUNDS: 'What is available on the account does not cover this transfer.',
  BALANCE_LIMIT: 'The balance would leave the range that this ledger keeps.',
  TRANSFER_ID_REUSED: 'Another transfer already stands under this id.',
  TRANSFER_UNKNOWN: 'There is no such transfer.',
  TRANSFER_NOT_HELD: 'The transfer is not held any more, or was posted with another amount.',
  HOLD_EXPIRED: 'The hold has expired; what it reserved is free again.',
  AMOUNT_ABOVE_HOLD: 'The amount is more than the hold reserves.',
  PARTIAL_POST_OF_LEGS: 'A hold of several legs is posted as a whole.',
  CORRECTED_TRANSFER_UNKNOWN: 'There is no such transfer of yours to correct.',
  CORRECTION_NOT_YOURS: "Taking back from another's account needs its owner, or the scope transfers:correct.",
  CORRECTION_TOO_OLD: 'The transfer is too old to be taken back without the owner of the account that it went to.',
  CORRECTED_TRANSFER_NOT_POSTED: 'Only what was posted can be corrected.',
  CORRECTION_NOT_REVERSED: 'Each leg of a correction reverses one of the corrected transfer.',
  CORRECTION_ABOVE_ORIGINAL: 'All corrections together would give back more than the transfer moved.',
} as const;
export type RefusalCode = keyof typeof refusals;

/**
 * A command that the ledger does not carry out; nothing of it stands.
 * `denied` tells the trail that it was a matter of authority, which the caller is not told; so does `reason`, where it is another than the
 * code.
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

/** As if the account did not exist: how it stands is its owner's to know. @param reason for the trail only */
export function refuseStranger(reason: RefusalCode): Refusal {
  return { ok: false, code: 'ACCOUNT_UNKNOWN', denied: false, reason };
}
