import { type Revocation, TOKEN_LIFE_LIMIT_SECONDS, messageOf } from '@countersign/auth-core';
import {
  isAlgorithm,
  parseCompactJws,
  parseJsonObject,
  signatureVerifies,
  type KeySet,
} from '@countersign/auth-core/jws';
import { z } from 'zod';
import {
  EVENT,
  KEY_REVOCATION_LIMIT_SECONDS,
  LIST_EVENT,
  TYPE,
  type ListedRevocation,
  type SignedDigest,
  type Statement,
} from './statement.js';

/** Seconds by which the clocks of issuer, database and validators may differ in a statement. */
const TOLERANCE_SECONDS = 60;

const seconds = z.int().positive().max(253_402_300_799);
const count = z.int().nonnegative();
const name = z.string().min(1).max(512);
const times = { until: seconds, number: count };
const ofToken = { ...times, holder: name.optional() };
const before = { ...times, issued_before: z.number().nonnegative().max(253_402_300_799) };

const payloads: Readonly<Record<string, z.ZodType<ListedRevocation>>> = {
  [`${EVENT}token-revoked`]: z.object({ jti: name, ...ofToken }).transform(({ jti: tokenId, until, ...rest }) => ({
    ...rest,
    revocation: { kind: 'token', tokenId, until } as const,
  })),
  [`${EVENT}transaction-revoked`]: z
    .object({ txn: name, ...ofToken })
    .transform(({ txn, until, ...rest }) => ({ ...rest, revocation: { kind: 'transaction', txn, until } as const })),
  [`${EVENT}client-revoked`]: z
    .object({ client_id: name, replaces: count.optional(), ...before })
    .transform(({ client_id: clientId, issued_before: issuedBefore, until, ...rest }) => ({
      ...rest,
      revocation: { kind: 'client', clientId, issuedBefore, until } as const,
    })),
  [`${EVENT}subject-revoked`]: z
    .object({ subject: name, ...before })
    .transform(({ subject, issued_before: issuedBefore, until, number }) => ({
      number,
      revocation: { kind: 'subject', subject, issuedBefore, until } as const,
    })),
  [`${EVENT}api-key-revoked`]: z
    .object({ api_key_id: name, ...before })
    .transform(({ api_key_id: apiKeyId, issued_before: issuedBefore, until, number }) => ({
      number,
      revocation: { kind: 'api-key', apiKeyId, issuedBefore, until } as const,
    })),
  [`${EVENT}key-revoked`]: z
    .object({ kid: name, ...times })
    .transform(({ kid, until, number }) => ({ number, revocation: { kind: 'key', keyId: kid, until } as const })),
};
const digestSchema = z.object({
  number: count,
  at: seconds,
  entries: count,
  digest: z.string().regex(/^[\w-]{43}$/),
});
const claimsSchema = z.object({
  iss: z.string(),
  iat: seconds,
  toe: z.number().positive(),
  events: z.record(z.string(), z.unknown()),
});

/** Why an entry cannot be trusted. */
export class StatementError extends Error {
  /** @param keyId the unknown `kid`, if that is the reason: it may be new */
  constructor(
    message: string,
    readonly keyId?: string,
  ) {
    super(message);
    this.name = 'StatementError';
  }
}

interface Event {
  readonly type: string;
  readonly payload: unknown;
  readonly issuedAt: number;
  readonly madeAt: number;
}

function readEvent(text: string, issuer: string, keys: KeySet, now: number): Event {
  const { header, signingInput, payload, signature } = parseCompactJws(text);
  const { alg, kid, typ, crit } = header;
  if (typ !== TYPE || crit !== undefined) throw new StatementError('not a security event token');
  if (!isAlgorithm(alg) || typeof kid !== 'string') throw new StatementError('not signed in an accepted way');
  const candidates = keys.candidates(alg, kid);
  if (candidates.length === 0) throw new StatementError('not signed with a revocation key of the issuer', kid);
  if (!candidates.some(({ key }) => signatureVerifies(alg, key, signingInput, signature))) {
    throw new StatementError('the signature does not verify');
  }
  const { iss, iat, toe, events } = claimsSchema.parse(parseJsonObject(payload));
  if (iss !== issuer) throw new StatementError('of another issuer');
  if (iat > now / 1_000 + TOLERANCE_SECONDS) throw new StatementError('made in the future');
  const [event, ...further] = Object.entries(events);
  if (event === undefined || further.length > 0) throw new StatementError('not one event');
  return { type: event[0], payload: event[1], issuedAt: iat, madeAt: toe * 1_000 };
}

/** A revocation may last only as long as its kind requires; a stolen revocation key must not refuse somebody forever. */
function isWithinBounds(revocation: Revocation, issuedAt: number): boolean {
  const latest = issuedAt + TOLERANCE_SECONDS;
  switch (revocation.kind) {
    case 'token':
    case 'transaction':
      return revocation.until <= latest + TOKEN_LIFE_LIMIT_SECONDS;
    case 'client':
    case 'subject':
    case 'api-key':
      return (
        revocation.issuedBefore <= latest &&
        revocation.until <= Math.ceil(revocation.issuedBefore) + TOKEN_LIFE_LIMIT_SECONDS
      );
    case 'key':
      return revocation.until <= latest + KEY_REVOCATION_LIMIT_SECONDS;
  }
}

function asStatementError(error: unknown): StatementError {
  if (error instanceof StatementError) return error;
  return new StatementError(messageOf(error));
}

/**
 * Reads a revocation, and trusts nothing but the signature.
 * @param keys the issuer's revocation keys
 * @param now milliseconds since 1970
 * @throws {StatementError} for anything that is not a statement of this issuer, or demands more than its kind requires
 */
export function readStatement(text: string, issuer: string, keys: KeySet, now: number): Statement {
  try {
    const { type, payload, issuedAt, madeAt } = readEvent(text, issuer, keys, now);
    const schema = Object.hasOwn(payloads, type) ? payloads[type] : undefined;
    if (schema === undefined) throw new StatementError('an unknown event');
    const listed = schema.parse(payload);
    if (!isWithinBounds(listed.revocation, issuedAt)) throw new StatementError('lasts longer than its kind can need');
    return { ...listed, madeAt };
  } catch (error) {
    throw asStatementError(error);
  }
}

/** Like {@link readStatement}, for the statement of the whole list. @throws {StatementError} */
export function readDigest(text: string, issuer: string, keys: KeySet, now: number): SignedDigest {
  try {
    const { type, payload } = readEvent(text, issuer, keys, now);
    if (type !== LIST_EVENT) throw new StatementError('not a statement of the whole list');
    const digest = digestSchema.parse(payload);
    if (digest.at > now / 1_000 + TOLERANCE_SECONDS) throw new StatementError('made in the future');
    return digest;
  } catch (error) {
    throw asStatementError(error);
  }
}
