import { pathOfOddText } from '@countersign/service-host';
import { z } from 'zod';
import { type Client } from './client.js';
import { applicationTypes, redirectUriFault } from './redirect-uri.js';

/** Characters of an address that names a client. */
const ADDRESS_LIMIT = 512;

/** What a client says of itself at its own address; what else it says is not read. */
export const documentClientSchema = z.object({
  client_id: z.string(),
  client_name: z.string().min(1).max(128),
  redirect_uris: z.array(z.string()).min(1).max(16),
  application_type: z.enum(applicationTypes).default('web'),
  token_endpoint_auth_method: z.literal('none').default('none'),
});

/**
 * Whether a `client_id` is the address of a document (OAuth Client ID Metadata Document, section 3): https with a path, in its normal form,
 * without query, fragment or credentials; http only on loopback.
 * @returns its origin; undefined for another name
 */
export function documentOriginOf(clientId: string): string | undefined {
  if (clientId.length > ADDRESS_LIMIT || !/^https?:\/\//.test(clientId) || !URL.canParse(clientId)) return undefined;
  const { href, origin, pathname, search, hash, username, password } = new URL(clientId);
  const plain =
    href === clientId && pathname !== '/' && [search, hash, username, password].every((part) => part === '');
  return plain && !/%(?:2f|5c|2e)/i.test(pathname) ? origin : undefined;
}

/**
 * The client that a document describes, under the policy of the one that allows such documents.
 * @returns undefined for a document that names another client, asks for credentials, or has an address that may not be declared
 */
export function describedClient(document: unknown, clientId: string, template: Client): Client | undefined {
  const described = documentClientSchema.safeParse(document).data;
  const origin = documentOriginOf(clientId);
  if (described?.client_id !== clientId || origin === undefined) return undefined;
  const { client_name, redirect_uris, application_type } = described;
  if (redirect_uris.some((text) => redirectUriFault(text, application_type) !== undefined)) return undefined;
  if (pathOfOddText({ client_name }) !== undefined) return undefined;
  // Nobody has checked who this is: its host is what a person can know.
  const { host } = new URL(origin);
  const itself = { client_id: clientId, client_name, publisher: host, redirect_uris, application_type };
  return { ...template, metadata_documents: undefined, ...itself };
}
