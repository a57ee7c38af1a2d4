import { STATUS_CODES } from 'node:http';
import { Problem } from '@countersign/service-host';
import { type Claim, type StoredAnswer } from './idempotency-key.js';

/** The response to a request with an Idempotency-Key, new or repeated. */
export interface Answer extends StoredAnswer {
  /** The id of the response's object, if this request did not cause it: the response is repeated, or another request or recovery caused it. */
  readonly replayed: string | null;
}

/** The stored answer of a known key. */
export function answerAgain({ answer, resourceId }: Extract<Claim, { kind: 'answered' }>): Answer {
  return { ...answer, replayed: resourceId };
}

/** A refusal as it is stored: RFC 9457 problem details. */
export function problemAnswer(status: number, code: string, detail: string, extensions: object = {}): StoredAnswer {
  const title = STATUS_CODES[status] ?? 'Error';
  return { status, body: { type: 'about:blank', title, status, code, detail, ...extensions } };
}

/** Undecided: the caller sends the same request again, with the same key. */
export function pendingProblem(paymentId: string, reason: string): Problem {
  const detail = 'The accounts service did not answer; send the same request again with the same Idempotency-Key.';
  return new Problem(503, 'PAYMENT_PENDING', detail, { payment_id: paymentId, reason, retry_after: 1 });
}
