import { type Attempt, type AttemptEnd } from './delivery-queue.store.js';
import { nextAttempt } from './delivery.js';
import { healthAfter, type Reception } from './endpoint-health.js';
import { type Sent } from './sender.js';

/** Maximum characters stored of an error. */
export const ERROR_LIMIT = 200;

/** In a form that PostgreSQL accepts: a receiver's text in an error must not prevent storing the outcomes of all others. */
function keptWords(reason: string): string {
  return reason
    .slice(0, ERROR_LIMIT)
    .toWellFormed()
    .replace(/\p{Cc}/gu, ' ');
}

function receptionOf(sent: Sent): Reception {
  if (sent.kind === 'failed') return 'silent';
  return sent.status >= 200 && sent.status < 300 ? 'taken' : 'refused';
}

/** An attempt's effect on its delivery and its endpoint. @param random 0 to 1, twice */
export function endOf(attempt: Attempt, sent: Sent, now: Date, random: () => number): AttemptEnd {
  const { endpointId, eventId, attempts, failures, restUntil } = attempt;
  const reception = receptionOf(sent);
  const lastStatus = sent.kind === 'answered' ? sent.status : null;
  const gone = lastStatus === 410;
  const health = healthAfter({ failures, restUntil }, reception, now, random());
  const ended = { endpointId, eventId, attempts, lastStatus, health, gone };
  if (reception === 'taken')
    return { ...ended, status: 'delivered', nextAttemptAt: null, lastError: null, deliveredAt: now };
  const lastError = sent.kind === 'answered' ? `answered ${String(sent.status)}` : keptWords(sent.reason);
  const next = gone ? undefined : nextAttempt(attempts, now, random());
  const status = next === undefined ? 'failed' : 'pending';
  return { ...ended, status, nextAttemptAt: next ?? null, lastError, deliveredAt: null };
}

/** An attempt that was not made, because nothing is sent to its endpoint. */
export function endUnsent({ endpointId, eventId, attempts, endpointStatus, failures, restUntil }: Attempt): AttemptEnd {
  return {
    endpointId,
    eventId,
    attempts,
    status: 'failed',
    nextAttemptAt: null,
    lastStatus: null,
    lastError: `the endpoint is ${endpointStatus}`,
    deliveredAt: null,
    health: { failures, restUntil },
    gone: false,
  };
}
