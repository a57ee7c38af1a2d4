/** The state of a transfer at accounts, or why it does not exist there. */
export type TransferState =
  /** `amount`: how much of a hold was posted, in minor units; undefined for all of it. */
  | { readonly kind: 'posted'; readonly amount?: bigint }
  | { readonly kind: 'held'; readonly expiresAt: Date }
  | { readonly kind: 'voided' }
  | { readonly kind: 'expired' }
  /** Final: the ledger refused, and this request posted or held nothing. */
  | { readonly kind: 'refused'; readonly code: string; readonly detail: string }
  /** Accounts has no transfer with this id. */
  | { readonly kind: 'absent' };

/**
 * `unknown` may have been executed, or may still be: it is sent again under the same id, never failed.
 * `sent: false` means that nothing has left this service.
 */
export type TransferOutcome =
  TransferState | { readonly kind: 'unknown'; readonly reason: string; readonly sent: boolean };
