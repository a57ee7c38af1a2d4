import { z } from 'zod';

const privateJwkSchema = z.looseObject({ kty: z.string(), kid: z.string(), alg: z.string(), d: z.string() });
export type PrivateJwk = z.infer<typeof privateJwkSchema>;

/** A client's private key, as JWK. */
export const clientKeyVariable = z.string().transform((text, context) => {
  try {
    return privateJwkSchema.parse(JSON.parse(text));
  } catch {
    context.addIssue('must be a private key in JWK format, with kid and alg');
    return z.NEVER;
  }
});

/** An origin: pages are at its root, because a `__Host-` cookie belongs to a whole host. */
export const originVariable = z
  .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
  .refine((text) => URL.canParse(text) && new URL(text).pathname === '/' && new URL(text).search === '', {
    error: 'must have no path and no query',
  });

/** 32 bytes in base64url. */
export const secretKeyVariable = z
  .string()
  .regex(/^[\w-]{43}$/, 'must be 32 bytes in base64url')
  .transform((text) => Buffer.from(text, 'base64url'));

/** Parses scopes that are separated by single spaces (RFC 6749, section 3.3). @returns undefined for other text */
export function parseScopes(text: string): readonly string[] | undefined {
  const token = '[\\x21\\x23-\\x5b\\x5d-\\x7e]+';
  return new RegExp(`^${token}( ${token})*$`).test(text) ? text.split(' ') : undefined;
}
