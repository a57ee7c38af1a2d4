import { z } from 'zod';

/**
 * What is refused though its signature is good. Each entry only ever adds a refusal and names the time until which it matters, so the
 * order in which entries arrive makes no difference. Times are seconds since 1970.
 */
export type Revocation =
  | { readonly kind: 'token'; readonly tokenId: string; readonly until: number }
  | {
      readonly kind: 'client';
      readonly clientId: string;
      /** Tokens issued at or before this time are refused. */
      readonly issuedBefore: number;
      readonly until: number;
    }
  | {
      readonly kind: 'subject';
      readonly subject: string;
      /** Tokens issued at or before this time are refused. */
      readonly issuedBefore: number;
      readonly until: number;
    }
  | { readonly kind: 'key'; readonly keyId: string; readonly until: number };

/** What the bucket's keys are made of: a `jti` or `kid` as it is, a client or subject in base64url. */
const plainName = /^[A-Za-z0-9_-]{1,128}$/;
const encodedName = /^[A-Za-z0-9_-]{1,700}$/;

const valueSchema = z.object({
  until: z.number().int().positive(),
  issued_before: z.number().int().nonnegative().optional(),
});

/** Whether a `jti` or `kid` can be revoked: letters, digits, `_` and `-`, 128 of them at the most. */
export function isRevocableId(id: string): boolean {
  return plainName.test(id);
}

const encodeName = (name: string): string => Buffer.from(name, 'utf8').toString('base64url');

/** The entry's key in the bucket: `token.<jti>`, `client.<base64url>`, `subject.<base64url>`, `key.<kid>`. */
export function bucketKeyOf(revocation: Revocation): string {
  switch (revocation.kind) {
    case 'token':
      return `token.${revocation.tokenId}`;
    case 'client':
      return `client.${encodeName(revocation.clientId)}`;
    case 'subject':
      return `subject.${encodeName(revocation.subject)}`;
    case 'key':
      return `key.${revocation.keyId}`;
  }
}

/** The entry's value in the bucket, as JSON. */
export function bucketValueOf(revocation: Revocation): string {
  const issuedBefore = 'issuedBefore' in revocation ? { issued_before: revocation.issuedBefore } : {};
  return JSON.stringify({ until: revocation.until, ...issuedBefore });
}

function parseValue(value: string): z.infer<typeof valueSchema> | undefined {
  try {
    return valueSchema.parse(JSON.parse(value));
  } catch {
    return undefined;
  }
}

/** Reads an entry of the bucket. @returns nothing for what is not one */
export function parseRevocation(key: string, value: string): Revocation | undefined {
  const parsed = parseValue(value);
  const [kind, name = '', ...rest] = key.split('.');
  if (parsed === undefined || rest.length > 0) return undefined;
  const { until, issued_before: issuedBefore } = parsed;
  if (kind === 'token' && plainName.test(name)) return { kind, tokenId: name, until };
  if (kind === 'key' && plainName.test(name)) return { kind, keyId: name, until };
  if (!encodedName.test(name) || issuedBefore === undefined) return undefined;
  const decoded = Buffer.from(name, 'base64url').toString('utf8');
  if (kind === 'client') return { kind, clientId: decoded, issuedBefore, until };
  if (kind === 'subject') return { kind, subject: decoded, issuedBefore, until };
  return undefined;
}
