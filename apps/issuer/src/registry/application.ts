import { z } from 'zod';
import { DEVICE_CODE, JWT_BEARER, TOKEN_EXCHANGE } from '@countersign/auth-core';
import { type PeoplePolicy } from './people-policy.js';
import { applicationTypes, REDIRECT_URI_LENGTH_LIMIT, redirectUriFault } from './redirect-uri.js';

/** The `grant_type`s that a client may declare. */
const grantTypes = [
  'client_credentials',
  TOKEN_EXCHANGE,
  JWT_BEARER,
  'authorization_code',
  'refresh_token',
  DEVICE_CODE,
] as const;

/** Those in which a client acts with its own rights, or is the actor: the default for a client that declares none. */
const ownGrants: ReadonlySet<string> = new Set(grantTypes.slice(0, 3));

const redirectUri = z.string().min(1).max(REDIRECT_URI_LENGTH_LIMIT);
const webPage = z
  .url({ protocol: /^https$/ })
  .max(REDIRECT_URI_LENGTH_LIMIT)
  .refine((text) => redirectUriFault(text, 'web') === undefined, 'must be an https URL in its normal form');

/** The origins of such documents: nothing else is ever fetched. */
const documentOrigin = z.string().refine((text) => {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, origin } = new URL(text);
  const loopback = protocol === 'http:' && ['127.0.0.1', '[::1]', 'localhost'].includes(hostname);
  return origin === text && (protocol === 'https:' || loopback);
}, 'must be an https origin without a path (http only on loopback): https://apps.example');

/** What a client that people use declares (RFC 7591, section 2; OpenID Connect registration and logout). Everything is optional. */
export const applicationMembers = {
  /** The `kind` of its own tokens: `service` by default. */
  kind: z.enum(['service', 'application']).optional(),
  /** Which grants it uses; its own (`client_credentials`, token exchange) by default. */
  grant_types: z.array(z.enum(grantTypes)).min(1).max(grantTypes.length).optional(),
  /** `web` by default. A native application's loopback addresses may use any port (RFC 8252, section 7.3). */
  application_type: z.enum(applicationTypes).optional(),
  /** Where responses may be sent, compared character by character. */
  redirect_uris: z.array(redirectUri).min(1).max(16).optional(),
  /** Where a person may be sent after signing out. */
  post_logout_redirect_uris: z.array(redirectUri).min(1).max(16).optional(),
  /** Where it is notified that a person's session ended. */
  backchannel_logout_uri: redirectUri.optional(),
  /** The application's publisher: the name of a company or person, shown when a person is asked for consent. */
  publisher: z.string().min(1).max(128).optional(),
  /** The application's page. */
  client_uri: webPage.optional(),
  /** A first-party application: people are not asked for consent. */
  trusted: z.boolean().optional(),
  /** Makes this a policy for clients that describe themselves, each at its own URL ({@link documentClientSchema}). */
  metadata_documents: z.strictObject({ origins: z.array(documentOrigin).min(1).max(64) }).optional(),
  /** Whether a request must be pushed first (RFC 9126, section 6). */
  require_pushed_authorization_requests: z.boolean().optional(),
};
export type Application = z.infer<z.ZodObject<typeof applicationMembers>>;

/** Whether a client may use a grant. */
export function mayUseGrant({ grant_types: declared }: Pick<Application, 'grant_types'>, type: string): boolean {
  return declared === undefined ? ownGrants.has(type) : declared.some((one) => one === type);
}

/** Whether a client uses what people allow: codes or devices. */
function isForPeople(client: Pick<Application, 'grant_types'>): boolean {
  return mayUseGrant(client, 'authorization_code') || mayUseGrant(client, DEVICE_CODE);
}

interface Registration extends Application {
  readonly client_name?: string | undefined;
  readonly token_endpoint_auth_method: string;
  readonly policy: {
    readonly audiences: object;
    readonly exchange: readonly unknown[];
    readonly outside_exchange?: readonly unknown[] | undefined;
    readonly people?: PeoplePolicy | undefined;
  };
}

function addressFaults(client: Registration): readonly string[] {
  const {
    application_type: type = 'web',
    redirect_uris: redirects = [],
    post_logout_redirect_uris: after = [],
  } = client;
  const logout = client.backchannel_logout_uri;
  const named = [
    ...redirects.map((text) => ['redirect_uris', text, type] as const),
    ...after.map((text) => ['post_logout_redirect_uris', text, type] as const),
    ...(logout === undefined ? [] : [['backchannel_logout_uri', logout, 'web'] as const]),
  ];
  return named.flatMap(([member, text, as]) => {
    const fault = redirectUriFault(text, as);
    return fault === undefined ? [] : [`${member}: ${text} ${fault}`];
  });
}

/** A public client proves nothing: it has no rights itself, only those that a person gives it. */
function publicFaults(client: Registration): readonly string[] {
  if (client.token_endpoint_auth_method !== 'none') return [];
  const { policy, grant_types: grants } = client;
  const own = grants?.find((type) => ownGrants.has(type));
  return [
    ...(grants === undefined ? ['a client with the method none must declare grant_types'] : []),
    ...(own === undefined ? [] : [`a client with the method none must not use ${own}`]),
    ...(Object.keys(policy.audiences).length + policy.exchange.length + (policy.outside_exchange?.length ?? 0) === 0
      ? []
      : ['a client with the method none must not have policy.audiences, policy.exchange or policy.outside_exchange']),
  ];
}

/** A policy for clients that describe themselves is not a client itself: it has no name, no redirect URIs, no credentials and no trust. */
function documentFaults(client: Registration): readonly string[] {
  if (client.metadata_documents === undefined) return [];
  const fault = (wrong: boolean, message: string): readonly string[] => (wrong ? [message] : []);
  return [
    ...fault(client.token_endpoint_auth_method !== 'none', 'metadata_documents needs the method none'),
    ...fault(
      client.redirect_uris !== undefined,
      'metadata_documents must not be combined with redirect_uris: each document has',
    ),
    ...fault(client.trusted === true, 'a client with metadata_documents must not be trusted: people are always asked'),
    ...fault(!mayUseGrant(client, 'authorization_code'), 'metadata_documents needs the grant type authorization_code'),
  ];
}

/** Contradictions in the parts of a registration that concern people. */
export function applicationFaults(client: Registration): readonly string[] {
  const forPeople = isForPeople(client);
  const codes = mayUseGrant(client, 'authorization_code');
  const described = client.metadata_documents !== undefined;
  const fault = (wrong: boolean, message: string): readonly string[] => (wrong ? [message] : []);
  return [
    ...publicFaults(client),
    ...addressFaults(client),
    ...documentFaults(client),
    ...fault(codes && !described && client.redirect_uris === undefined, 'authorization_code needs redirect_uris'),
    ...fault(!codes && client.redirect_uris !== undefined, 'redirect_uris need the grant type authorization_code'),
    ...fault(
      !codes && client.require_pushed_authorization_requests === true,
      'require_pushed_authorization_requests needs the grant type authorization_code',
    ),
    ...fault(
      !forPeople && mayUseGrant(client, 'refresh_token'),
      'refresh_token needs the grant type authorization_code or device_code',
    ),
    ...fault(forPeople && client.policy.people === undefined, 'a client that people use needs policy.people'),
    ...fault(
      !forPeople && client.policy.people !== undefined,
      'policy.people needs the grant type authorization_code or device_code',
    ),
    ...fault(
      forPeople && !described && client.client_name === undefined,
      'a client that people use needs a client_name',
    ),
    ...fault(
      forPeople && !described && client.trusted !== true && client.publisher === undefined,
      'a client that people use needs a publisher, or must be trusted',
    ),
  ];
}
