/** The state of a transfer at accounts, or why it does not exist there. */
export type TransferState =
  /** `amount`: how much of a hold was posted, in minor units; undefined for all of it. */
  | { readonly kind: 'posted'; readonly amount?: bigint }
  | { readonly kind: 'held'; readonly expiresAt: Date }
  | { readonly kind: 'voided' }
  | { readonly kind: 'expired' }
  /** Final: the ledger said no, and nothing was posted or held by this order. */
  | { readonly kind: 'refused'; readonly code: string; readonly detail: string }
  /** Accounts knows no transfer of this id. */
  | { readonly kind: 'absent' };

/**
 * `unknown` may have been carried out, or may yet be: it is ordered again under the same id, never failed.
 * `sent: false` says that nothing has left this service.
 */
export type TransferOutcome =
  TransferState | { readonly kind: 'unknown'; readonly reason: string; readonly sent: boolean };
