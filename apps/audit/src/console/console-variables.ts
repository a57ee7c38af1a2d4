import { z } from 'zod';

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
