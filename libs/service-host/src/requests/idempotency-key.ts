import { createHash } from 'node:crypto';
import { z } from 'zod';
import { Problem } from '../problems/problem.js';

/** Hours for which a key and its response are stored. */
export const IDEMPOTENCY_KEPT_HOURS = 24;

/** 1 to 255 printable ASCII characters without blanks. */
export const idempotencyKeySchema = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/)
  .brand('IdempotencyKey');
/** A key that {@link idempotencyKeySchema} has checked. */
export type IdempotencyKey = z.infer<typeof idempotencyKeySchema>;

/**
 * Reads the `Idempotency-Key` header (IETF draft-ietf-httpapi-idempotency-key-header): a structured-field string or, as
 * most callers send it, the bare value. 1 to 255 printable ASCII characters.
 * @throws {Problem} 400 `IDEMPOTENCY_KEY_MISSING` or `IDEMPOTENCY_KEY_INVALID`
 */
export function parseIdempotencyKey(header: unknown): IdempotencyKey {
  if (header === undefined) {
    throw new Problem(400, 'IDEMPOTENCY_KEY_MISSING', 'Send an Idempotency-Key header, so that retries are safe.');
  }
  const bare = typeof header === 'string' ? header.replace(/^"(.*)"$/, '$1') : header;
  const parsed = idempotencyKeySchema.safeParse(bare);
  if (!parsed.success) {
    throw new Problem(400, 'IDEMPOTENCY_KEY_INVALID', 'Idempotency-Key must be 1 to 255 printable ASCII characters.');
  }
  return parsed.data;
}

/** The key was used with another body. */
export function idempotencyKeyReused(): Problem {
  return new Problem(
    422,
    'IDEMPOTENCY_KEY_REUSED',
    'This Idempotency-Key was used with a different body; send a new key.',
  );
}

/** The first request under the key has not ended. */
export function idempotencyInFlight(): Problem {
  return new Problem(
    409,
    'IDEMPOTENCY_IN_FLIGHT',
    'The first request with this Idempotency-Key is still running; retry in a moment.',
    { retry_after: 1 },
  );
}

/** Identifies a request body: SHA-256 over its parsed members in a fixed order. */
export function fingerprintOf(members: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(members)).digest('base64url');
}

const byName = ([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number =>
  one < other ? -1 : 1;

function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).toSorted(byName);
  return Object.fromEntries(members.map(([name, member]) => [name, inOrder(member)]));
}

/**
 * Identifies a request: method, URL and body, whatever the order of the body's members.
 * @param body as parsed from JSON; nothing for a request without one
 */
export function requestFingerprint(method: string, url: string, body: unknown): string {
  return fingerprintOf([method, url, body === undefined ? '' : JSON.stringify(inOrder(body))]);
}
