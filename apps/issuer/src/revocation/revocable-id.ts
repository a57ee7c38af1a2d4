import { API_KEY_PREFIX } from '@countersign/auth-core';
import { isRevocableId } from '@countersign/revocation-feed';
import { idSchema } from '@countersign/service-host';
import { z } from 'zod';

/** An API key named here by mistake would be stored and published, and keep working. */
const isNoApiKey = (text: string): boolean => !text.startsWith(API_KEY_PREFIX);
const NO_API_KEY = 'must not be an API key, which is revoked under /admin/api-keys';

/** A `jti`, `txn` or `kid` as given by an administrator. A UUID is converted to canonical form: in capitals it would match no token. */
export const revocableIdSchema = z
  .string()
  .refine(isRevocableId, 'must be at most 128 letters, digits, _ and -')
  .refine(isNoApiKey, NO_API_KEY)
  .transform((id) => idSchema.safeParse(id).data ?? id);

/** A subject as given by an administrator; it becomes an event's resource, which has at most 512 characters. A person's id is converted to canonical form, as above. */
export const revocableSubjectSchema = z
  .string()
  .min(1)
  .max(500)
  .refine(isNoApiKey, NO_API_KEY)
  .transform((subject) => (subject.startsWith('person:') ? subject.toLowerCase() : subject));
