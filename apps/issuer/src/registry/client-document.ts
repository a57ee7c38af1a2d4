import { pathOfOddText } from '@countersign/service-host';
import { z } from 'zod';
import { documentOriginOf } from './client-id.js';
import { type Client } from './client.js';
import { applicationTypes, redirectUriFault } from './redirect-uri.js';

/** What a client states about itself at its own URL; other members are ignored. */
export const documentClientSchema = z.object({
  client_id: z.string(),
  client_name: z.string().min(1).max(128),
  redirect_uris: z.array(z.string()).min(1).max(16),
  application_type: z.enum(applicationTypes).default('web'),
  token_endpoint_auth_method: z.literal('none').default('none'),
});

/**
 * The client that a document describes, under the policy that allows such documents.
 * @returns undefined if the document names another client, requests credentials, or has a URL that may not be declared
 */
export function describedClient(document: unknown, clientId: string, template: Client): Client | undefined {
  const described = documentClientSchema.safeParse(document).data;
  const origin = documentOriginOf(clientId);
  if (described?.client_id !== clientId || origin === undefined) return undefined;
  const { client_name, redirect_uris, application_type } = described;
  if (redirect_uris.some((text) => redirectUriFault(text, application_type) !== undefined)) return undefined;
  if (pathOfOddText({ client_name }) !== undefined) return undefined;
  // Nobody has checked who this is: a person can only rely on its host.
  const { host } = new URL(origin);
  const itself = { client_id: clientId, client_name, publisher: host, redirect_uris, application_type };
  return { ...template, metadata_documents: undefined, ...itself };
}
