import { API_KEY_LIST_LIMIT, apiKeyNamePattern } from '@countersign/auth-core';
import { idSchema, timeBoundSchema } from '@countersign/service-host';
import { z } from 'zod';
import { audienceSchema, nameSchema, POLICY_LIMIT, scopeSchema, SCOPES_LIMIT } from '../registry/client.js';
import { GRACE_LIMIT_SECONDS, GRACE_SECONDS } from '../api-keys/api-key.js';

const reason = z.string().min(1).max(200).optional();
const network = z.union([z.cidrv4(), z.cidrv6()], {
  error: 'must be a network in CIDR notation, such as 192.0.2.0/24 or 2001:db8::/48',
});

export const newApiKeySchema = z.strictObject({
  client_id: nameSchema,
  name: z
    .string()
    .regex(apiKeyNamePattern, 'must be 1 to 64 letters, digits, spaces and . _ -, starting with a letter or digit'),
  /** Per audience, the scopes; all within the client's policy. */
  audiences: z.record(audienceSchema, z.array(scopeSchema).min(1).max(SCOPES_LIMIT)).refine(
    (audiences) => {
      const { length } = Object.keys(audiences);
      return length >= 1 && length <= POLICY_LIMIT;
    },
    `must name 1 to ${String(POLICY_LIMIT)} audiences`,
  ),
  /** The only networks that it may be used from; any when empty. */
  networks: z.array(network).max(API_KEY_LIST_LIMIT).default([]),
  /** Of PLANS_FILE; `default` when left out. */
  plan: nameSchema.optional(),
  /** When it ends; by API_KEY_LIFETIME_DAYS when left out. */
  expires_at: timeBoundSchema.optional(),
});
export type NewApiKey = z.infer<typeof newApiKeySchema>;

export const rotationSchema = z.strictObject({
  /** Seconds for which the present key keeps working; a day when left out, 0 ends it now. */
  grace_seconds: z.int().min(0).max(GRACE_LIMIT_SECONDS).default(GRACE_SECONDS),
  expires_at: timeBoundSchema.optional(),
});
export type Rotation = z.infer<typeof rotationSchema>;

export const reasonSchema = z.strictObject({ reason });
export type Reason = z.infer<typeof reasonSchema>;

export const apiKeysQuerySchema = z
  .strictObject({
    client_id: nameSchema.optional(),
    /** The `next_cursor` of the previous page. */
    cursor: idSchema.optional(),
    limit: z.coerce.number().int().min(1).max(200).default(50),
    /** Only live ones that expire before this time, earliest first; one page. */
    ends_before: timeBoundSchema.optional(),
  })
  .refine(({ cursor, ends_before: before }) => cursor === undefined || before === undefined, {
    path: ['cursor'],
    message: 'must not be combined with ends_before, which returns a single page',
  });
export type ApiKeysQuery = z.infer<typeof apiKeysQuerySchema>;

/** Keys that one request may look up. */
export const LOOKUP_LIMIT = 1_000;

/** Keys that were found somewhere, by their public id and their SHA-256: the keys themselves stay where they are. */
export const lookupSchema = z.strictObject({
  keys: z
    .array(z.strictObject({ id: idSchema, sha256: z.string().regex(/^[\w-]{43}$/, 'must be a SHA-256 in base64url') }))
    .min(1)
    .max(LOOKUP_LIMIT),
});
export type Lookup = z.infer<typeof lookupSchema>;
