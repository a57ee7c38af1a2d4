import { isRevocableId } from '@countersign/revocation-feed';
import { idSchema } from '@countersign/service-host';
import { z } from 'zod';

/** A `jti`, `txn` or `kid` as an administrator names it. A UUID is taken in canonical form: in capitals it would refuse no token. */
export const revocableIdSchema = z
  .string()
  .refine(isRevocableId, 'must be at most 128 letters, digits, _ and -')
  .transform((id) => idSchema.safeParse(id).data ?? id);

/** A subject as an administrator names it; an event names it as its resource, which has at most 512 characters. A person's id in canonical form, as above. */
export const revocableSubjectSchema = z
  .string()
  .min(1)
  .max(500)
  .transform((subject) => (subject.startsWith('person:') ? subject.toLowerCase() : subject));
