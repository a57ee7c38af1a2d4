import { createPrivateKey, type KeyObject } from 'node:crypto';
import { mayBeUsedTo } from '@countersign/auth-core/jws';
import { createNoteSigner, type NoteSigner } from '@countersign/merkle-log';
import { ConfigurationError } from '@countersign/service-host';
import { z } from 'zod';

/** Injection token of {@link LogSigners}. */
export const LOG_SIGNERS = Symbol('countersign.audit.log-signers');

/** Audit's own keys, under the log's origin; during a rotation both sign, the new one first. */
export type LogSigners = readonly [NoteSigner, ...NoteSigner[]];

/** @throws {ConfigurationError} naming the variable at fault */
export function logSignersOf({
  LOG_ORIGIN: origin,
  LOG_KEY: key,
  LOG_KEY_PREVIOUS: previous,
}: {
  readonly LOG_ORIGIN: string;
  readonly LOG_KEY: KeyObject;
  readonly LOG_KEY_PREVIOUS?: KeyObject | undefined;
}): LogSigners {
  const signer = createNoteSigner(origin, key);
  if (previous === undefined) return [signer];
  const older = createNoteSigner(origin, previous);
  if (older.verifierKey === signer.verifierKey)
    throw new ConfigurationError(['LOG_KEY_PREVIOUS: must not be the same key as LOG_KEY']);
  return [signer, older];
}

const jwkSchema = z.looseObject({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: z.string(), d: z.string() });

/** The log's key as configured: an Ed25519 private key in JWK format (RFC 8037). */
export const logKeyVariable = z.string().transform((text, context) => {
  try {
    const { kty, crv, x, d, ...says } = jwkSchema.parse(JSON.parse(text));
    if (!mayBeUsedTo('sign', says)) {
      context.addIssue({ code: 'custom', message: 'must be a signing key; its use or key_ops says otherwise' });
      return z.NEVER;
    }
    return createPrivateKey({ format: 'jwk', key: { kty, crv, x, d } });
  } catch {
    context.addIssue({ code: 'custom', message: 'must be an Ed25519 private key in JWK format' });
    return z.NEVER;
  }
});

/** The log's name, unlike any other's (C2SP tlog-checkpoint): a URL without its scheme. */
export const logOriginVariable = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9.:/_-]{0,199}$/, 'must be a URL without its scheme, such as audit.example.com/log');
