import { z } from 'zod';
import { TOKEN_LIFE_LIMIT_SECONDS } from '@countersign/auth-core';
import { trustedProxiesSchema } from './trace/trusted-proxies.js';

const port = z.coerce.number().int().min(0).max(65_535);
const httpUrl = z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/$/, ''));

/** Where a service listens and how it logs. `PORT` 0 takes a free port. */
export const hostVariables = {
  /** The TCP port to listen on; 0 picks a free one. */
  PORT: port,
  /** The address to listen on. */
  HOST: z.string().min(1).default('127.0.0.1'),
  /** Log lines of this level and above: `fatal`, `error`, `warn`, `info`, `debug`, `trace` or `silent`. */
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  /** `json`: one object per line; `pretty`: for reading in a terminal. */
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
   * where anyone in between can read tokens and forge keys. Only for networks that nobody else uses.
   */
  ALLOW_PLAIN_HTTP: z.stringbool({ truthy: ['true'], falsy: ['false'], error: 'must be true or false' }).default(false),
  /**
   * Milliseconds between SIGTERM and the stop, during which readiness fails and requests are still answered, so that a load balancer can stop
   * sending them: longer than its probe interval. 0 by default, because nothing probes a local stack.
   */
  DRAIN_MS: z.coerce.number().int().min(0).max(120_000).default(0),
  /** Milliseconds that a graceful stop may take before the process exits anyway. */
  SHUTDOWN_TIMEOUT_MS: z.coerce.number().int().min(0).max(120_000).default(10_000),
};

const databaseUrl = z.url({ protocol: /^postgres(ql)?$/ });
const certificates = z.string().regex(/-----BEGIN CERTIFICATE-----/, 'must be certificates in PEM format');

/** How connections to PostgreSQL are protected. */
const databaseTlsVariables = {
  /** `require`: only TLS, with a verified certificate, whatever the URL says. `url`: follow the URL's `sslmode`. */
  DATABASE_TLS: z.enum(['url', 'require']).default('url'),
  /** The certificate authorities for the database's certificate, in PEM; usually set through DATABASE_CA_FILE. By default the system's. */
  DATABASE_CA: certificates.optional(),
};

/** What `node dist/main.js migrate` reads. */
export const migrationVariables = {
  /** The login that may become the database's owner; only the command `migrate` uses it. */
  MIGRATION_DATABASE_URL: databaseUrl,
  /** The service's own URL: its role gets the permissions that the migrations grant. */
  DATABASE_URL: databaseUrl,
  ...databaseTlsVariables,
};

/** The service's own PostgreSQL database. */
export const databaseVariables = {
  /** `postgres://ROLE:PASSWORD@HOST/DATABASE`; usually set through DATABASE_URL_FILE, whose content is read again for each connection. */
  DATABASE_URL: databaseUrl,
  ...databaseTlsVariables,
  /** The login that may become the database's owner. Only for the command `migrate`: a service that finds it set does not start. */
  MIGRATION_DATABASE_URL: z
    .undefined({ error: 'must not be set for a running service; only the command `migrate` uses it' })
    .optional(),
  /** Maximum connections of one process; connections idle for ten minutes are closed. */
  DATABASE_POOL_MAX: z.coerce.number().int().min(2).max(200).default(10),
};

/** The NATS server or cluster, and this service's own credentials there. */
export const natsVariables = {
  /** One server, or several servers of a cluster, separated by commas. */
  NATS_URL: z.string().min(1).default('nats://127.0.0.1:4222'),
  /** This service's NATS user; its streams and inboxes use the name. */
  NATS_USER: z.string().min(1).optional(),
  /** The NATS user's password; usually set through NATS_PASSWORD_FILE, which is read again for each connection. */
  NATS_PASSWORD: z.string().min(1).optional(),
  /** `require`: only TLS, with a verified certificate. `server`: TLS if the server offers it. */
  NATS_TLS: z.enum(['server', 'require']).default('server'),
  /** The certificate authorities for the servers' certificates, in PEM; usually set through NATS_CA_FILE. By default the system's. */
  NATS_CA: certificates.optional(),
  /**
   * Hours for which an audit event is kept here once recorded in the trail, so that an audit database restored from a backup can recover it; 0 removes it
   * immediately.
   */
  OUTBOX_KEEP_HOURS: z.coerce.number().int().min(0).max(8_760).default(72),
};

/** The issuer whose tokens this service accepts. `ISSUER_URL` is the `iss` identifier, compared exactly. */
export const issuerVariables = {
  /** The issuer's identifier: the `iss` of its tokens, compared exactly. */
  ISSUER_URL: httpUrl,
  /** The URL of its public keys; by default `/.well-known/jwks.json` below `ISSUER_URL`. */
  JWKS_URL: httpUrl.optional(),
  /** A file that stores the last valid keys, so that the service can start without the issuer; none by default. */
  KEYS_FILE: z.string().min(1).optional(),
};

/** What a service does when it no longer receives revocations. */
export const revocationVariables = {
  /** `accept` keeps using the known list for the grace period below, then refuses; `refuse` answers 503 immediately. */
  REVOCATION_WHEN_LOST: z.enum(['accept', 'refuse']).default('accept'),
  /** Grace period of `accept`, in seconds: by default the longest token lifetime. */
  REVOCATION_GRACE_SECONDS: z.coerce.number().int().min(0).max(86_400).default(TOKEN_LIFE_LIMIT_SECONDS),
  /** What the service does before it has a list: `refuse` is not ready and answers 503; `accept` accepts every token for the grace period above. */
  REVOCATION_AT_START: z.enum(['accept', 'refuse']).default('refuse'),
  /** A file that stores the signed list, so that the service can start without NATS, if the list is not older than the grace period; none by default. */
  REVOCATION_LIST_FILE: z.string().min(1).optional(),
  /** A file that stores the issuer's revocation keys, so that the service can read the list without the issuer; none by default. */
  REVOCATION_KEYS_FILE: z.string().min(1).optional(),
  /** The URL of the issuer's revocation keys; by default `revocation-jwks.json` next to JWKS_URL, or next to the issuer's own. */
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
