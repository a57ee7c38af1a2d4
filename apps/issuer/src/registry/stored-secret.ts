import { z } from 'zod';

/** Maximum live secrets of one client, so that a rotation needs no outage. */
export const LIVE_SECRETS_LIMIT = 2;

/** The stored form of a secret. */
const storedSecretSchema = z.strictObject({
  id: z.uuid(),
  /** HMAC-SHA-256 under the issuer's key, base64url. */
  digest: z.string().length(43),
  /** RFC 3339. */
  created_at: z.iso.datetime(),
});
export type StoredSecret = z.infer<typeof storedSecretSchema>;

const importedPattern = /^\$scrypt\$ln=(14|15),r=(8),p=([12])\$([A-Za-z0-9+/]{22,86})\$([A-Za-z0-9+/]{43,86})$/;
/** N × p of the most expensive hash accepted, and of every failed check: 32 MiB, tens of milliseconds. */
export const IMPORTED_COST = 2 ** 15;

/** The parts of an imported secret. */
export interface Imported {
  readonly n: number;
  readonly parallel: number;
  readonly salt: Buffer;
  readonly hash: Buffer;
}

/** @returns undefined if it is not such a hash, or costs too much */
export function parseImported(text: string): Imported | undefined {
  const [, exponent, , parallel, salt, hash] = importedPattern.exec(text) ?? [];
  if (salt === undefined || hash === undefined) return undefined;
  const [n, p] = [2 ** Number(exponent), Number(parallel)];
  if (n * p > IMPORTED_COST) return undefined;
  return { n, parallel: p, salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64') };
}

/** An imported secret: `$scrypt$ln=<14 or 15>,r=8,p=<1 or 2>$<salt>$<hash>`, salt and hash as base64 without padding, 2^ln × p at most 2^15. */
export const importedSecretSchema = z
  .string()
  .refine(
    (text) => parseImported(text) !== undefined,
    'must be a scrypt hash with a cost of at most N=2^15, p=1, such as $scrypt$ln=15,r=8,p=1$<salt>$<hash>, base64 without padding',
  );
