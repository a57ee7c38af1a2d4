import { TOKEN_LIFE_LIMIT_SECONDS } from '@countersign/auth-core';
import { type TransferOutcome } from './transfer-state.js';

/** Milliseconds for which accounts may still carry out a request whose token has just expired: its tolerance, a lock, a slow commit. */
const GRACE_MS = 60_000;

/** Until when an order that goes out now, with the caller's token or one exchanged for it, may be carried out. */
export function orderUntil(token: { readonly expiresAt: number }): Date {
  return new Date(token.expiresAt * 1_000 + GRACE_MS);
}

/** Like {@link orderUntil}, for an order in payments' own name. */
export function ownOrderUntil(now: Date): Date {
  return new Date(now.getTime() + TOKEN_LIFE_LIMIT_SECONDS * 1_000 + GRACE_MS);
}

/**
 * What may be concluded from an outcome. A refusal, or that there is no such transfer, is final only when no earlier order for it can
 * still be on its way: else that one might be carried out after all, and money would have moved for what was called failed.
 */
export function conclude(outcome: TransferOutcome, certain: boolean): TransferOutcome {
  if (certain || (outcome.kind !== 'refused' && outcome.kind !== 'absent')) return outcome;
  const code = outcome.kind === 'refused' ? outcome.code : 'TRANSFER_UNKNOWN';
  return { kind: 'unknown', reason: `${code}, but an earlier order may still arrive`, sent: true };
}
