import { TOKEN_LIFE_LIMIT_SECONDS } from '@countersign/auth-core';
import { type TransferOutcome } from './transfer-state.js';

/** Milliseconds for which accounts may still execute a request whose token has just expired: its tolerance, a lock, a slow commit. */
const GRACE_MS = 60_000;

/** Until when a request sent now, with the caller's token or one exchanged for it, may be executed. */
export function orderUntil(token: { readonly expiresAt: number }): Date {
  return new Date(token.expiresAt * 1_000 + GRACE_MS);
}

/** Like {@link orderUntil}, for a request in payments' own name. */
export function ownOrderUntil(now: Date): Date {
  return new Date(now.getTime() + TOKEN_LIFE_LIMIT_SECONDS * 1_000 + GRACE_MS);
}

/**
 * What an outcome proves. A refusal, or that there is no such transfer, is final only if no earlier request for it can
 * still arrive: otherwise that one might be executed after all, and money would move for a payment reported as failed.
 */
export function conclude(outcome: TransferOutcome, certain: boolean): TransferOutcome {
  if (certain || (outcome.kind !== 'refused' && outcome.kind !== 'absent')) return outcome;
  const code = outcome.kind === 'refused' ? outcome.code : 'TRANSFER_UNKNOWN';
  return { kind: 'unknown', reason: `${code}, but an earlier request may still arrive`, sent: true };
}
