import { z } from 'zod';
import { METADATA_MEMBERS_LIMIT, METADATA_NAME_LIMIT, METADATA_VALUE_LIMIT } from './limits.js';

const nameSchema = z
  .string()
  .regex(new RegExp(`^[A-Za-z][A-Za-z0-9_.-]{0,${String(METADATA_NAME_LIMIT - 1)}}$`), 'a name');
const atTheMost = { message: `at the most ${String(METADATA_MEMBERS_LIMIT)} members` };

/** What a client keeps with an account or a transfer: names and short texts that the ledger never reads. */
export const metadataSchema = z
  .record(nameSchema, z.string().max(METADATA_VALUE_LIMIT))
  .refine((metadata) => Object.keys(metadata).length <= METADATA_MEMBERS_LIMIT, atTheMost);
export type Metadata = Readonly<Record<string, string>>;

/** Members to set, or by null to remove. Without control characters: before and after go into one audit event, whose size is limited. */
export const metadataChangeSchema = z
  .record(
    nameSchema,
    z
      .string()
      .max(METADATA_VALUE_LIMIT)
      .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'a text without control characters')
      .nullable(),
  )
  .refine((change) => Object.keys(change).length <= METADATA_MEMBERS_LIMIT, atTheMost);

/** Whether both hold the same members, in whatever order. */
export function isSameMetadata(one: Metadata, other: Metadata): boolean {
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name]);
}
