import { apiKeyEnvironmentPattern, supportedAlgorithms } from '@countersign/auth-core';
import { BUCKET_SIZE_LIMIT } from '@countersign/revocation-feed';
import { databaseVariables, hostVariables, issuerVariables, natsVariables } from '@countersign/service-host';
import { z } from 'zod';
import { TOKEN_LIFETIME_LIMIT } from './registry/client.js';
import { keyEncryptionKeysSchema } from './registry/key-encryption.js';

const DAY = 86_400;
const seconds = (min: number, max: number) => z.coerce.number().int().min(min).max(max);

/** Everything that the issuer reads from its environment. */
export const variables = {
  ...hostVariables,
  ...databaseVariables,
  ...natsVariables,
  /** Replicas of the revocation bucket: 1 on a single NATS server, 3 in a cluster. */
  STREAM_REPLICAS: z.coerce.number().int().min(1).max(5).default(1),
  /** Maximum size of the revocation bucket in bytes: 64 MiB by default, for some 80,000 entries. */
  REVOCATION_BUCKET_BYTES: z.coerce
    .number()
    .int()
    .min(64 * 1_024)
    .max(1_024 ** 3)
    .default(BUCKET_SIZE_LIMIT),
  /** This issuer's identifier: the `iss` of its tokens, and where its metadata is. */
  ISSUER_URL: issuerVariables.ISSUER_URL,
  /** JSON or YAML file of clients and their policies, applied at startup. Without it clients are registered only through the admin API. */
  CLIENTS_FILE: z.string().min(1).optional(),
  /** JSON or YAML file of other issuers whose people are accepted in token exchange and `jwt-bearer`. Without it none are. */
  TRUSTED_ISSUERS_FILE: z.string().min(1).optional(),
  /** Key-encryption keys, `id:key` (32 bytes, base64url), separated by commas: the first encrypts, all decrypt. */
  KEY_ENCRYPTION_KEYS: keyEncryptionKeysSchema,
  /**
   * JSON file of one private JWK (`kty`, `kid`, `alg`, `d`, …) that becomes the first signing key of an empty database. Without it the issuer
   * generates one.
   */
  SIGNING_KEY_IMPORT: z.string().min(1).optional(),
  /** Lifetime of an access token in seconds: 10 to 900. */
  TOKEN_LIFETIME_SECONDS: seconds(10, TOKEN_LIFETIME_LIMIT).default(300),
  /** The algorithm of new signing keys: ES256, EdDSA, RS256 or PS256. */
  SIGNING_ALGORITHM: z.enum(supportedAlgorithms).default('ES256'),
  /** Seconds for which validators may cache the JWKS. */
  JWKS_LIFETIME_SECONDS: seconds(1, DAY).default(300),
  /** Seconds for which a key signs before the next one takes over: 30 days. */
  KEY_ROTATION_SECONDS: seconds(1, 3_650 * DAY).default(30 * DAY),
  /** Maximum authenticated requests per minute from one client to the OAuth endpoints, for all replicas together; 0: no limit. */
  RATE_LIMIT_CLIENT_PER_MINUTE: z.coerce.number().int().min(0).max(10_000_000).default(60_000),
  /** A hundred times the maximum of failed authentications per minute from one network (an IPv4 address, an IPv6 /64), for all replicas together; 0: no limit. */
  RATE_LIMIT_ADDRESS_PER_MINUTE: z.coerce.number().int().min(0).max(10_000_000).default(120_000),
  /** JSON or YAML file of the outside OpenID providers with which people sign in: how their claims map to roles, and whether signing out here also signs out there. Without it nobody can sign in. */
  PROVIDERS_FILE: z.string().min(1).optional(),
  /**
   * Where back-channel logout notices may go (`backchannel_logout_uri`): `public`, https to public addresses only; `any`, also http and private
   * addresses (local stacks).
   */
  BACKCHANNEL_LOGOUT_TARGETS: z.enum(['public', 'any']).default('public'),
  /**
   * Where clients' metadata documents may be fetched from (`metadata_documents`): `public`, https from public addresses only; `any`, also
   * http on loopback and private addresses.
   */
  CLIENT_DOCUMENT_TARGETS: z.enum(['public', 'any']).default('public'),
  /** Maximum sign-ins per minute that one network (an IPv4 address, an IPv6 /64) may start, for all replicas together; 0: no limit. */
  RATE_LIMIT_SIGN_IN_PER_MINUTE: z.coerce.number().int().min(0).max(1_000_000).default(600),
  /** Seconds without a request after which a person's session ends: one hour. */
  SESSION_IDLE_SECONDS: seconds(60, 30 * DAY).default(3_600),
  /** Seconds after which a person must sign in again, no matter how much the session is used: 12 hours. */
  SESSION_LIFETIME_SECONDS: seconds(60, 90 * DAY).default(43_200),
  /** The environment in API keys created here, and the only one accepted: `live`, `test`, …; 2 to 12 characters of a-z and 0-9, starting with a letter. */
  API_KEY_ENVIRONMENT: z
    .string()
    .regex(apiKeyEnvironmentPattern, 'must be 2 to 12 characters of a-z and 0-9, starting with a letter')
    .default('live'),
  /** Days after which a new API key expires, unless its creator chooses another time. */
  API_KEY_LIFETIME_DAYS: z.coerce.number().int().min(1).max(3_650).default(90),
  /** Maximum lifetime of a new API key, in days. */
  API_KEY_LIFETIME_LIMIT_DAYS: z.coerce.number().int().min(1).max(3_650).default(366),
  /** Days before its expiry at which an API key without a successor is announced in the audit trail. */
  API_KEY_WARNING_DAYS: z.coerce.number().int().min(0).max(365).default(14),
  /** Maximum live API keys of one client. */
  API_KEYS_PER_CLIENT: z.coerce.number().int().min(1).max(10_000).default(100),
  /** JSON or YAML file of plans: how often an API key may be used, by audience and route class. Without it no key is limited. */
  PLANS_FILE: z.string().min(1).optional(),
  /** Seconds without use after which a refresh token expires: 14 days. */
  REFRESH_TOKEN_IDLE_SECONDS: seconds(60, 400 * DAY).default(14 * DAY),
  /** Seconds after which a person must allow an application again, no matter how much its refresh tokens are used: 90 days. */
  REFRESH_TOKEN_LIFETIME_SECONDS: seconds(60, 3_650 * DAY).default(90 * DAY),
  /** Seconds for which a used refresh token returns the same successor again, in case the response was lost; after that, using it ends the whole delegation. */
  REFRESH_TOKEN_AGAIN_SECONDS: seconds(0, 600).default(30),
};
export type Configuration = z.infer<z.ZodObject<typeof variables>>;
