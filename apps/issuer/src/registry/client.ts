import { pathOfOddText, TEXT_RULE } from '@countersign/service-host';
import { verificationKeyOf } from '@countersign/auth-core/jws';
import { z } from 'zod';
import { supportedAlgorithms, TOKEN_LIFE_LIMIT_SECONDS } from '@countersign/auth-core';
import { audiencesSchema, unspoken } from './audience-words.js';
import { applicationFaults, applicationMembers } from './application.js';
import { audienceSchema, nameSchema, POLICY_LIMIT, scopeSchema, SCOPES_LIMIT } from './names.js';
import { peoplePolicySchema } from './people-policy.js';
import { importedSecretSchema } from './stored-secret.js';
import { subjectPatternSchema } from './trusted-issuer.js';

export { claimedName, clientIdSchema } from './client-id.js';
export {
  audiencePattern,
  audienceSchema,
  namePattern,
  nameSchema,
  POLICY_LIMIT,
  scopePattern,
  scopeSchema,
  SCOPES_LIMIT,
} from './names.js';

/** Maximum clients in one file or request. */
const CLIENTS_LIMIT = 10_000;
/** Maximum bytes of JSON in one registration: two of them, before and after, fit one audit event. */
const REGISTRATION_SIZE_LIMIT = 12 * 1024;
/** Maximum lifetime of a token in seconds, whatever a policy or the setting says. */
export const TOKEN_LIFETIME_LIMIT = TOKEN_LIFE_LIMIT_SECONDS;

const publicJwkSchema = z
  .looseObject({
    kty: z.string(),
    kid: z.string().min(1).max(128),
    alg: z.enum([...supportedAlgorithms, 'Ed25519']).optional(),
  })
  .refine(
    (jwk) => !['d', 'k', 'p', 'q'].some((member) => member in jwk),
    'must be a public key, without a private part',
  )
  .refine((jwk) => verificationKeyOf(jwk) !== undefined, 'must be a key for ES256, EdDSA, RS256 or PS256');
/** A client's public key (RFC 7517). */
export type PublicJwk = z.infer<typeof publicJwkSchema>;
export { publicJwkSchema };

/** Where keys are fetched: https, or plain http on loopback. */
export const jwksUriSchema = z
  .url({ protocol: /^https?$/ })
  .max(512)
  .refine((text) => {
    if (!URL.canParse(text)) return false;
    const { protocol, hostname, username, password, hash } = new URL(text);
    if (username !== '' || password !== '' || hash !== '') return false;
    return protocol === 'https:' || ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
  }, 'must be an https URL without credentials (http only on loopback)');

const edgeSchema = z.strictObject({
  /** Holding a subject token for this audience … */
  subject_audience: audienceSchema,
  /** … with this scope … */
  subject_scope: scopeSchema,
  /** … the client may request this audience … */
  audience: audienceSchema,
  /** … and these scopes. */
  scopes: z.array(scopeSchema).min(1).max(SCOPES_LIMIT),
});
export type ExchangeEdge = z.infer<typeof edgeSchema>;

const outsideEdgeSchema = z.strictObject({
  /** Holding a token of this outside issuer, by its declared name … */
  subject_issuer: nameSchema,
  /** … that is for this audience (by default this issuer itself) … */
  subject_audience: z.string().min(1).max(512).optional(),
  /** … with this scope (by default any) … */
  subject_scope: z.string().min(1).max(256).optional(),
  /** … the client may request this audience … */
  audience: audienceSchema,
  /** … and these scopes. */
  scopes: z.array(scopeSchema).min(1).max(SCOPES_LIMIT),
});
export type OutsideEdge = z.infer<typeof outsideEdgeSchema>;

const policySchema = z.strictObject({
  /** For each audience, the scopes that the client may request. */
  audiences: z
    .record(audienceSchema, z.array(scopeSchema).max(SCOPES_LIMIT))
    .refine(
      (audiences) => Object.keys(audiences).length <= POLICY_LIMIT,
      `must name at most ${String(POLICY_LIMIT)} audiences`,
    )
    .default({}),
  exchange: z.array(edgeSchema).max(POLICY_LIMIT).default([]),
  /** Which people of other issuers the client may act for. */
  outside_exchange: z.array(outsideEdgeSchema).max(POLICY_LIMIT).optional(),
  /** For each audience, what the client may request from a person; it never has these rights itself. */
  people: peoplePolicySchema.optional(),
  /** Lifetime of this client's tokens in seconds, if shorter than the issuer's setting. */
  token_lifetime: z.int().min(10).max(TOKEN_LIFETIME_LIMIT).optional(),
  /** Whether its tokens must be bound to its own key (DPoP, RFC 9449): `required`, or only if it sends a proof. */
  dpop: z.enum(['required', 'allowed']).optional(),
});
/** What a client may request; everything else is refused. */
export type Policy = z.infer<typeof policySchema>;

const trustedIssuerSchema = z.strictObject({
  /** The outside issuer's identifier: the assertion's `iss`, compared exactly. */
  issuer: z.string().min(1).max(512),
  jwks_uri: jwksUriSchema,
  /** What the assertion's `aud` must be, or contain; by default this issuer's identifier. */
  audience: z.string().min(1).max(512).optional(),
  /** Which of its subjects is this client: literal text, with `*` for any characters. */
  subject: subjectPatternSchema,
});
export type TrustedIssuer = z.infer<typeof trustedIssuerSchema>;

export const clientSchema = z
  .strictObject({
    /** Never a person's: a client's `sub` must not be mistaken for a person's (RFC 9700, section 4.15). */
    client_id: nameSchema.refine((id) => !id.startsWith('person:'), 'must not begin with person:'),
    /** For people. */
    client_name: z.string().min(1).max(128).optional(),
    token_endpoint_auth_method: z.enum(['private_key_jwt', 'client_secret_basic', 'none']).default('private_key_jwt'),
    jwks: z.strictObject({ keys: z.array(publicJwkSchema).min(1).max(8) }).optional(),
    /** Where the client publishes its keys itself; instead of `jwks` (RFC 7591, section 2). */
    jwks_uri: jwksUriSchema.optional(),
    /** Outside issuers whose tokens are this client's assertions: a workload without a stored secret. */
    trusted_issuers: z.array(trustedIssuerSchema).max(8).default([]),
    /** An imported secret, as a scrypt hash; secrets generated by the issuer are never in a registration. */
    imported_secret: importedSecretSchema.optional(),
    ...applicationMembers,
    policy: policySchema.default({ audiences: {}, exchange: [] }),
  })
  .superRefine((client, context) => {
    const fault = (message: string): void => context.addIssue({ code: 'custom', message });
    const { jwks, jwks_uri: uri, trusted_issuers: trusted, token_endpoint_auth_method: method } = client;
    if (jwks !== undefined && uri !== undefined) fault('jwks and jwks_uri must not both be set');
    const ways = [jwks, uri, trusted[0]].filter((way) => way !== undefined).length;
    if (method === 'private_key_jwt' && ways === 0) fault('private_key_jwt needs jwks, jwks_uri or trusted_issuers');
    if (method === 'private_key_jwt' && client.imported_secret !== undefined)
      fault('private_key_jwt must not have a secret');
    if (method !== 'private_key_jwt' && ways > 0) fault(`${method} must not have keys or trusted issuers`);
    if (method === 'none' && client.imported_secret !== undefined) fault('none must not have a secret');
    for (const message of applicationFaults(client)) fault(message);
    const kids = jwks?.keys.map(({ kid }) => kid) ?? [];
    if (new Set(kids).size !== kids.length) fault('each key must have its own kid');
    if (Buffer.byteLength(JSON.stringify(client)) > REGISTRATION_SIZE_LIMIT) {
      fault(`a registration has at most ${String(REGISTRATION_SIZE_LIMIT)} bytes`);
    }
    const odd = pathOfOddText(client);
    if (odd !== undefined) fault(`${odd} ${TEXT_RULE}`);
  });
/** A registered service or application. */
export type Client = z.infer<typeof clientSchema>;

export const clientsFileSchema = z
  .strictObject({
    $schema: z.string().optional(),
    clients: z.array(clientSchema).max(CLIENTS_LIMIT),
    /** What people read of each service and its scopes when an application asks for them. */
    audiences: audiencesSchema.optional(),
  })
  .superRefine(({ clients, audiences = {} }, context) => {
    const seen = new Set<string>();
    for (const { client_id: id, policy, trusted } of clients) {
      if (seen.has(id))
        context.addIssue({ code: 'custom', message: `the client ${id} is declared twice`, path: ['clients'] });
      seen.add(id);
      const [missing] = trusted === true ? [] : unspoken(policy.people, audiences);
      if (missing === undefined) continue;
      const message = `the client ${id} may ask people for ${missing}: declare a title for this scope`;
      context.addIssue({ code: 'custom', message, path: ['audiences'] });
    }
  });
export type ClientsFile = z.infer<typeof clientsFileSchema>;
