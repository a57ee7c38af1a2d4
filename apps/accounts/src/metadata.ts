import { z } from 'zod';
import { METADATA_MEMBERS_LIMIT, METADATA_NAME_LIMIT, METADATA_VALUE_LIMIT } from './limits.js';

/** What a client keeps with an account or a transfer: names and short texts that the ledger never reads. */
export const metadataSchema = z
  .record(
    z.string().regex(new RegExp(`^[A-Za-z][A-Za-z0-9_.-]{0,${String(METADATA_NAME_LIMIT - 1)}}$`), 'a name'),
    z.string().max(METADATA_VALUE_LIMIT),
  )
  .refine((metadata) => Object.keys(metadata).length <= METADATA_MEMBERS_LIMIT, {
    message: `at the most ${String(METADATA_MEMBERS_LIMIT)} members`,
  });
export type Metadata = Readonly<Record<string, string>>;

/** Whether both hold the same members, in whatever order. */
export function isSameMetadata(one: Metadata, other: Metadata): boolean {
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name]);
}
