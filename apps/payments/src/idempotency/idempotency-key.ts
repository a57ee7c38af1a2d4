import { createHash } from 'node:crypto';
import { Problem } from '@countersign/service-host';
import { z } from 'zod';

export const idempotencyKeySchema = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/)
  .brand('IdempotencyKey');
export type IdempotencyKey = z.infer<typeof idempotencyKeySchema>;

/**
 * Reads the `Idempotency-Key` header (IETF draft-ietf-httpapi-idempotency-key-header): a structured-field string or, as
 * most callers send it, the bare value. 1 to 255 printable ASCII characters.
 * @throws {Problem} 400 `IDEMPOTENCY_KEY_MISSING` or `IDEMPOTENCY_KEY_INVALID`
 */
export function parseIdempotencyKey(header: unknown): IdempotencyKey {
  if (header === undefined) {
    throw new Problem(
      400,
      'IDEMPOTENCY_KEY_MISSING',
      'Send an Idempotency-Key header, so that a retry cannot pay twice.',
    );
  }
  const bare = typeof header === 'string' ? header.replace(/^"(.*)"$/, '$1') : header;
  const parsed = idempotencyKeySchema.safeParse(bare);
  if (!parsed.success) {
    throw new Problem(400, 'IDEMPOTENCY_KEY_INVALID', 'Idempotency-Key takes 1 to 255 printable ASCII characters.');
  }
  return parsed.data;
}

/** What tells one request body from another: SHA-256 over its parsed members in a fixed order. */
export function fingerprintOf(members: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(members)).digest('base64url');
}

/** The answer as first given; a repeat gets the same. */
export const storedAnswerSchema = z.object({ status: z.number().int(), body: z.record(z.string(), z.unknown()) });
export type StoredAnswer = z.infer<typeof storedAnswerSchema>;

/** How a key stands when a request arrives with it. */
export type Claim =
  | { readonly kind: 'begin' }
  | { readonly kind: 'resume'; readonly resourceId: string }
  | { readonly kind: 'answered'; readonly answer: StoredAnswer };

export interface KnownKey {
  readonly fingerprint: string;
  readonly resourceId: string;
  readonly leaseUntil: Date;
  readonly answer: StoredAnswer | null;
}

/**
 * Decides what a request with a known key may do: another body is refused, a finished one answered, a running one told to wait,
 * and one whose runner is gone (its lease is over) is resumed, not begun again.
 * @throws {Problem} 422 `IDEMPOTENCY_KEY_REUSED`, 409 `IDEMPOTENCY_IN_FLIGHT`
 */
export function claimOf(known: KnownKey, fingerprint: string, now: Date): Claim {
  if (known.fingerprint !== fingerprint) {
    throw new Problem(422, 'IDEMPOTENCY_KEY_REUSED', 'This Idempotency-Key was used with another body.');
  }
  if (known.answer !== null) return { kind: 'answered', answer: known.answer };
  if (known.leaseUntil > now) {
    throw new Problem(409, 'IDEMPOTENCY_IN_FLIGHT', 'The first request with this Idempotency-Key is still running.');
  }
  return { kind: 'resume', resourceId: known.resourceId };
}
