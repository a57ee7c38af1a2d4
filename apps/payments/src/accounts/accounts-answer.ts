import { type Answered, type ServiceAnswer } from '@countersign/auth';
import { moneySchema } from '@countersign/money';
import { z } from 'zod';
import { type TransferOutcome } from './transfer-state.js';

const transferSchema = z.looseObject({
  status: z.enum(['held', 'posted', 'voided', 'expired']),
  hold: z.looseObject({ expires_at: z.iso.datetime(), posted_amount: moneySchema.nullish() }).nullish(),
});
const refusalSchema = z.looseObject({ code: z.string().max(100), detail: z.string().max(500) });

/** Statuses that say nothing about the request itself: the caller's token, load, a fault. */
const passing = new Set([401, 408, 409, 425, 429]);

/** Whether a status says nothing about the request itself. */
export const saysNothing = (status: number): boolean => status >= 500 || passing.has(status);

function outcomeOf({ status, body }: Answered, absentWhen404: boolean, holdUntil: Date): TransferOutcome {
  if (status < 300) {
    const transfer = transferSchema.safeParse(body);
    if (!transfer.success) return { kind: 'unknown', reason: 'accounts answered without a transfer', sent: true };
    const { status: state, hold } = transfer.data;
    const posted = hold?.posted_amount?.amount;
    if (state === 'posted') return { kind: state, ...(posted === undefined ? {} : { amount: posted }) };
    if (state !== 'held') return { kind: state };
    return { kind: 'held', expiresAt: hold === undefined || hold === null ? holdUntil : new Date(hold.expires_at) };
  }
  const refusal = refusalSchema.safeParse(body);
  if (status === 404 && absentWhen404) return { kind: 'absent' };
  if (!saysNothing(status) && refusal.success) {
    const { code, detail } = refusal.data;
    return code === 'HOLD_EXPIRED' ? { kind: 'expired' } : { kind: 'refused', code, detail };
  }
  return { kind: 'unknown', reason: `accounts answered ${String(status)}`, sent: true };
}

/** What a response means for the transfer. A refusal is not final while an earlier attempt of the same request may have been executed. */
export function concluded(answer: ServiceAnswer, absentWhen404: boolean, holdUntil: Date): TransferOutcome {
  if (answer.kind === 'failed') {
    return { kind: 'unknown', reason: `${answer.code}: ${answer.reason}`, sent: answer.mayHaveHappened };
  }
  const outcome = outcomeOf(answer, absentWhen404, holdUntil);
  if (outcome.kind !== 'refused' || !answer.mayHaveHappened) return outcome;
  return { kind: 'unknown', reason: `${outcome.code}, while an earlier request is still unanswered`, sent: true };
}
