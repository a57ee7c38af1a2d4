import { z } from 'zod';
import { METADATA_MEMBERS_LIMIT, METADATA_NAME_LIMIT, METADATA_VALUE_LIMIT } from './limits.js';

const nameSchema = z
  .string()
  .regex(new RegExp(`^[A-Za-z][A-Za-z0-9_.-]{0,${String(METADATA_NAME_LIMIT - 1)}}$`), 'a name');
const atMost = { message: `at most ${String(METADATA_MEMBERS_LIMIT)} members` };

/** A client's own data on an account or a transfer: names and short texts that the ledger never interprets. */
export const metadataSchema = z
  .record(nameSchema, z.string().max(METADATA_VALUE_LIMIT))
  .refine((metadata) => Object.keys(metadata).length <= METADATA_MEMBERS_LIMIT, atMost);
export type Metadata = Readonly<Record<string, string>>;

/** Members to set, or, with null, to remove. */
export const metadataChangeSchema = z
  .record(nameSchema, z.string().max(METADATA_VALUE_LIMIT).nullable())
  .refine((change) => Object.keys(change).length <= METADATA_MEMBERS_LIMIT, atMost);

/** Whether both have the same members, in any order. */
export function isSameMetadata(one: Metadata, other: Metadata): boolean {
  const names = Object.keys(one);
  return (
    names.length === Object.keys(other).length &&
    names.every((name) => Object.hasOwn(other, name) && one[name] === other[name])
  );
}
