import * as z from 'zod/mini';
import { revocationKinds } from './access-search.js';

const cursor = z.optional(z.nullable(z.string()));
const time = z.optional(z.nullable(z.string()));

export const clientSchema = z.object({
  client_id: z.string(),
  client_name: z.optional(z.string()),
  token_endpoint_auth_method: z.optional(z.string()),
  status: z.enum(['active', 'disabled']),
  declared: z.boolean(),
  secrets: z.array(z.object({ id: z.string(), created_at: z.string() })),
  jwks: z.optional(z.object({ keys: z.array(z.looseObject({ kid: z.optional(z.string()) })) })),
  created_at: z.string(),
});
export type ClientAnswer = z.infer<typeof clientSchema>;
export const clientsSchema = z.object({ clients: z.array(clientSchema), next_cursor: cursor });

export const personSchema = z.object({
  id: z.string(),
  name: z.string(),
  email: z.optional(z.nullable(z.string())),
  provider: z.string(),
  roles: z.array(z.string()),
  status: z.enum(['active', 'disabled']),
  signed_in_at: z.string(),
});
export type PersonAnswer = z.infer<typeof personSchema>;
export const peopleSchema = z.object({ people: z.array(personSchema), next_cursor: cursor });

const personSessionSchema = z.object({
  id: z.string(),
  device: z.string(),
  network: z.string(),
  authenticated_at: z.string(),
  amr: z.optional(z.nullable(z.array(z.string()))),
  seen_at: z.string(),
});
export type PersonSessionAnswer = z.infer<typeof personSessionSchema>;
export const personDetailSchema = z.extend(personSchema, {
  sessions: z.array(personSessionSchema),
  /** Absent in the response of an older issuer. */
  more_sessions: z.optional(z.boolean()),
});

const delegationSchema = z.object({
  id: z.string(),
  person_id: z.string(),
  person_name: z.nullable(z.string()),
  client_id: z.string(),
  audience: z.string(),
  scope: z.string(),
  created_at: z.string(),
  last_used_at: time,
  /** In any case. */
  ends_at: time,
  /** Unless it is used before then. */
  unused_ends_at: time,
});
export type DelegationAnswer = z.infer<typeof delegationSchema>;
export const delegationsSchema = z.object({ delegations: z.array(delegationSchema), next_cursor: cursor });

export const apiKeySchema = z.object({
  id: z.string(),
  client_id: z.string(),
  name: z.string(),
  status: z.enum(['live', 'rotated', 'disabled', 'expired', 'revoked']),
  audiences: z.record(z.string(), z.array(z.string())),
  created_at: z.string(),
  expires_at: z.string(),
  ends_at: time,
  exposed_at: time,
  last_used_at: time,
});
export type ApiKeyAnswer = z.infer<typeof apiKeySchema>;
export const apiKeysSchema = z.object({ api_keys: z.array(apiKeySchema), next_cursor: cursor });

export const keySchema = z.object({
  kid: z.string(),
  alg: z.string(),
  state: z.enum(['pending', 'active', 'retired', 'removed']),
  revoked: z.boolean(),
  created_at: z.string(),
  usable_from: z.string(),
  activated_at: time,
  retired_at: time,
  removed_at: time,
  ends_at: time,
});
export type KeyAnswer = z.infer<typeof keySchema>;
export const keysSchema = z.object({ keys: z.array(keySchema) });

export const revocationSchema = z.object({
  kind: z.enum(revocationKinds),
  name: z.string(),
  issued_before: time,
  until: z.string(),
  revoked_by: z.string(),
  revoked_at: z.string(),
  reason: z.optional(z.string()),
  pushed: z.boolean(),
});
export type RevocationAnswer = z.infer<typeof revocationSchema>;
export const revocationsSchema = z.object({ revocations: z.array(revocationSchema), next_cursor: cursor });

export const previewSchema = z.object({
  /** Null if the issuer cannot tell. */
  tokens: z.nullable(
    z.object({
      live: z.number(),
      at_least: z.boolean(),
      last_expires_at: z.nullable(z.string()),
      audiences: z.array(z.object({ audience: z.string(), live: z.number() })),
    }),
  ),
  delegations: z.number(),
  sessions: z.number(),
  api_keys: z.number(),
});
export type Preview = z.infer<typeof previewSchema>;

export const newestSchema = z.object({
  newest: z.array(z.object({ client: z.string(), time: z.string(), action: z.string(), log_index: z.string() })),
});

/** The possible result of a change: a secret, shown only once. */
export const changedSchema = z.looseObject({
  client_secret: z.optional(z.string()),
  api_key: z.optional(z.string()),
});
