import * as z from 'zod/mini';

export const parts = ['clients', 'people', 'consents', 'api-keys', 'keys', 'revocations'] as const;
export type AccessPart = (typeof parts)[number];

export const revocationKinds = ['token', 'transaction', 'client', 'subject', 'api-key', 'key'] as const;
export type RevocationKind = (typeof revocationKinds)[number];

const text = z.catch(z.optional(z.string().check(z.minLength(1), z.maxLength(128))), undefined);

/** The screen's URL parameters; invalid ones are ignored. */
const searchSchema = z.object({
  part: z.catch(z.optional(z.enum(parts)), undefined),
  /** Only of this client. */
  client: text,
  /** Only of this person. */
  person: text,
  kind: z.catch(z.optional(z.enum(revocationKinds)), undefined),
  /** Whether the person has just requested their rights at the issuer. */
  asked: z.catch(z.optional(z.literal('yes')), undefined),
});
export type AccessSearch = z.infer<typeof searchSchema>;

/** Reads an address. */
export function accessSearchOf(search: Readonly<Record<string, unknown>>): AccessSearch {
  return z.parse(searchSchema, search);
}
