import { z } from 'zod';
import { namePattern } from './names.js';

/** Maximum characters of a URL that names a client: with its kind it fits an event's resource. */
const ADDRESS_LIMIT = 480;

/**
 * Whether a `client_id` is the URL of a document (OAuth Client ID Metadata Document, section 3): https with a path, in its normal form,
 * without query, fragment or credentials; http only on loopback.
 * @returns its origin; undefined for another name
 */
export function documentOriginOf(clientId: string): string | undefined {
  if (clientId.length > ADDRESS_LIMIT || !/^https?:\/\/[\x21-\x7e]+$/.test(clientId) || !URL.canParse(clientId))
    return undefined;
  const { href, origin, pathname, search, hash, username, password } = new URL(clientId);
  const plain =
    href === clientId && pathname !== '/' && [search, hash, username, password].every((part) => part === '');
  return plain && !/%(?:2f|5c|2e)/i.test(pathname) ? origin : undefined;
}

const isClientId = (text: string): boolean => namePattern.test(text) || documentOriginOf(text) !== undefined;

/** The name of a registered client, or the URL of one that describes itself. */
export const clientIdSchema = z
  .string()
  .refine(isClientId, 'must be a client_id: a name of letters, digits, . _ : -, or the URL of a metadata document');

/** A stranger may claim to be anything; a text that cannot be a client is not repeated, because the database does not accept every text. */
export function claimedName(claimed: string | undefined): string | undefined {
  return claimed === undefined || isClientId(claimed) ? claimed : 'not-a-name';
}
