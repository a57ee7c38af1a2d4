import { z } from 'zod';
import { TOKEN_LIFE_LIMIT_SECONDS } from '@countersign/auth-core';
import { trustedProxiesSchema } from './trace/trusted-proxies.js';

const port = z.coerce.number().int().min(0).max(65_535);
const httpUrl = z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/$/, ''));

/** Where a service listens and how it logs. `PORT` 0 takes a free port. */
export const hostVariables = {
  /** The TCP port to listen on; 0 takes a free one. */
  PORT: port,
  /** The address to listen on. */
  HOST: z.string().min(1).default('127.0.0.1'),
  /** Log lines of this level and above: `fatal`, `error`, `warn`, `info`, `debug`, `trace` or `silent`. */
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  /** `json`: one object per line; `pretty`: for a person at a terminal. */
  LOG_FORMAT: z.enum(['json', 'pretty']).default('json'),
  /**
   * The URL under which callers reach this service: its resource identifier (RFC 9728), and what DPoP proofs must name. Without it the service offers
   * neither.
   */
  RESOURCE_URL: httpUrl.optional(),
  /** Proxies in front of the service whose `X-Forwarded-For` is trusted: comma-separated addresses or networks; none by default. */
  TRUSTED_PROXIES: trustedProxiesSchema,
  /**
   * The key for the nonces that DPoP proofs must carry (RFC 9449, section 8): 32 bytes or more in base64url, the same at all replicas;
   * usually set through DPOP_NONCE_KEY_FILE. Without it no nonce is required.
   */
  DPOP_NONCE_KEY: z
    .string()
    .regex(/^[\w-]{43,}$/, 'must be at least 32 bytes in base64url')
    .transform((key) => Buffer.from(key, 'base64url'))
    .optional(),
  /**
   * `true` lets the service's own requests (`ISSUER_URL`, `JWKS_URL`, `ACCOUNTS_URL`, …) use plain http beyond this machine's loopback address,
   * where anyone in between can read tokens and forge keys. Only for networks that nobody else is on.
   */
  ALLOW_PLAIN_HTTP: z.stringbool({ truthy: ['true'], falsy: ['false'], error: 'must be true or false' }).default(false),
  /**
   * Milliseconds between SIGTERM and the stop, in which readiness fails and requests are still answered, so that a load balancer can stop
   * sending: longer than the pause between two of its probes. 0 by default, because nothing probes a local stack.
   */
  DRAIN_MS: z.coerce.number().int().min(0).max(120_000).default(0),
  /** Milliseconds that a graceful stop may take before the process ends anyway. */
  SHUTDOWN_TIMEOUT_MS: z.coerce.number().int().min(0).max(120_000).default(10_000),
};

const databaseUrl = z.url({ protocol: /^postgres(ql)?$/ });
const certificates = z.string().regex(/-----BEGIN CERTIFICATE-----/, 'must be certificates in PEM format');

/** How connections to PostgreSQL are kept from being read or taken over. */
const databaseTlsVariables = {
  /** `require`: only TLS, with a certificate that is verified, whatever the URL says. `url`: as the URL's `sslmode` says. */
  DATABASE_TLS: z.enum(['url', 'require']).default('url'),
  /** PEM of the authorities that sign the database's certificate; usually set through DATABASE_CA_FILE. The system's by default. */
  DATABASE_CA: certificates.optional(),
};

/** What `node dist/main.js migrate` reads. */
export const migrationVariables = {
  /** The login that may become the database's owner; only the command `migrate` holds it. */
  MIGRATION_DATABASE_URL: databaseUrl,
  /** The service's own URL: its role gets the rights that the migrations give. */
  DATABASE_URL: databaseUrl,
  ...databaseTlsVariables,
};

/** The service's own PostgreSQL database. */
export const databaseVariables = {
  /** `postgres://ROLE:PASSWORD@HOST/DATABASE`; usually set through DATABASE_URL_FILE, whose password is read again for each connection. */
  DATABASE_URL: databaseUrl,
  ...databaseTlsVariables,
  /** The login that may become the database's owner. Only for the command `migrate`: a service that finds it set does not start. */
  MIGRATION_DATABASE_URL: z
    .undefined({ error: 'must not be set for a running service; only the command `migrate` uses it' })
    .optional(),
  /** Maximum connections of one process; those that were not used for ten minutes are closed. */
  DATABASE_POOL_MAX: z.coerce.number().int().min(2).max(200).default(10),
};

/** The NATS server or cluster, and this service's own credentials there. */
export const natsVariables = {
  /** One server, or several of a cluster, separated by commas. */
  NATS_URL: z.string().min(1).default('nats://127.0.0.1:4222'),
  /** This service's user there; its streams and inboxes carry the name. */
  NATS_USER: z.string().min(1).optional(),
  /** Usually set through NATS_PASSWORD_FILE, which is read again for each connection. */
  NATS_PASSWORD: z.string().min(1).optional(),
  /** `require`: only TLS, with a certificate that is verified. `server`: TLS where the server offers it. */
  NATS_TLS: z.enum(['server', 'require']).default('server'),
  /** PEM of the authorities that sign the servers' certificates; usually set through NATS_CA_FILE. The system's by default. */
  NATS_CA: certificates.optional(),
  /**
   * Hours for which an audit event stays here once it is in the trail, so that an audit database restored from a backup can get it back; 0 removes it
   * immediately.
   */
  OUTBOX_KEEP_HOURS: z.coerce.number().int().min(0).max(8_760).default(72),
};

/** The issuer whose tokens this service accepts. `ISSUER_URL` is the `iss` identifier, compared exactly. */
export const issuerVariables = {
  /** The issuer's identifier: the `iss` of its tokens, compared exactly. */
  ISSUER_URL: httpUrl,
  /** Where its public keys are; `/.well-known/jwks.json` below `ISSUER_URL` by default. */
  JWKS_URL: httpUrl.optional(),
  /** A file that keeps the last valid keys, so that the service can start without the issuer; none by default. */
  KEYS_FILE: z.string().min(1).optional(),
};

/** What a service does that no longer receives revocations. */
export const revocationVariables = {
  /** `accept` keeps using the known list for the grace period below, then refuses; `refuse` answers 503 immediately. */
  REVOCATION_WHEN_LOST: z.enum(['accept', 'refuse']).default('accept'),
  /** Grace period of `accept`, in seconds: by default the longest token lifetime. */
  REVOCATION_GRACE_SECONDS: z.coerce.number().int().min(0).max(86_400).default(TOKEN_LIFE_LIMIT_SECONDS),
  /** What the service does before it has a list: `refuse` is not ready and answers 503; `accept` accepts every token for the grace period above. */
  REVOCATION_AT_START: z.enum(['accept', 'refuse']).default('refuse'),
  /** File that keeps the signed list, so that a start without NATS can use it, if it is not older than the grace period; none by default. */
  REVOCATION_LIST_FILE: z.string().min(1).optional(),
  /** File that keeps the issuer's revocation keys, so that a start without the issuer can read the list; none by default. */
  REVOCATION_KEYS_FILE: z.string().min(1).optional(),
  /** Where the issuer publishes its revocation keys; `revocation-jwks.json` beside JWKS_URL, or beside the issuer's own, by default. */
  REVOCATION_JWKS_URL: httpUrl.optional(),
};

/** What a resource server reads: a service with its own database that accepts the issuer's tokens, receives revocations and reports to audit. */
export const resourceServerVariables = {
  ...hostVariables,
  ...databaseVariables,
  ...natsVariables,
  ...issuerVariables,
  ...revocationVariables,
};

/** What every service reads; an app's own configuration spreads these and adds its own variables. */
export type HostConfiguration = z.infer<z.ZodObject<typeof hostVariables>>;
