import { createPrivateKey } from 'node:crypto';
import { z } from 'zod';

/** Injection token of the log's `NoteSigner`: audit's own key, under the log's origin. */
export const LOG_SIGNER = Symbol('countersign.audit.log-signer');

const jwkSchema = z.looseObject({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: z.string(), d: z.string() });

/** The log's key as a variable holds it: an Ed25519 private key as JWK (RFC 8037). */
export const logKeyVariable = z.string().transform((text, context) => {
  try {
    const { kty, crv, x, d } = jwkSchema.parse(JSON.parse(text));
    return createPrivateKey({ format: 'jwk', key: { kty, crv, x, d } });
  } catch {
    context.addIssue({ code: 'custom', message: 'it is no Ed25519 private key as JWK' });
    return z.NEVER;
  }
});

/** The log's name, unlike any other's (C2SP tlog-checkpoint): a URL without its scheme. */
export const logOriginVariable = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9.:/_-]{0,199}$/, 'it is no URL without its scheme');
