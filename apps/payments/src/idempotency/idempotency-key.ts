import { idempotencyInFlight, idempotencyKeyReused } from '@countersign/service-host';
import { z } from 'zod';

export {
  fingerprintOf,
  idempotencyKeySchema,
  parseIdempotencyKey,
  type IdempotencyKey,
} from '@countersign/service-host';

/** The first response; a repeat gets the same. */
const storedAnswerSchema = z.object({ status: z.number().int(), body: z.record(z.string(), z.unknown()) });
export type StoredAnswer = z.infer<typeof storedAnswerSchema>;

/** The state of a key when a request arrives with it. */
export type Claim =
  | { readonly kind: 'begin' }
  | { readonly kind: 'resume'; readonly resourceId: string }
  | { readonly kind: 'answered'; readonly resourceId: string; readonly answer: StoredAnswer };

export interface KnownKey {
  readonly fingerprint: string;
  readonly resourceId: string;
  readonly leaseUntil: Date;
  readonly answer: StoredAnswer | null;
}

/**
 * Decides what a request with a known key may do: a different body is refused, a finished request is answered, a running one must wait, and one whose
 * process died (its lease has expired) is resumed, not restarted.
 * @throws {Problem} 422 `IDEMPOTENCY_KEY_REUSED`, 409 `IDEMPOTENCY_IN_FLIGHT`
 */
export function claimOf(known: KnownKey, fingerprint: string, now: Date): Claim {
  if (known.fingerprint !== fingerprint) throw idempotencyKeyReused();
  if (known.answer !== null) return { kind: 'answered', resourceId: known.resourceId, answer: known.answer };
  if (known.leaseUntil > now) throw idempotencyInFlight();
  return { kind: 'resume', resourceId: known.resourceId };
}
