import { type NatsOptions } from '@countersign/audit-client';
import type pg from 'pg';
import { parse, toClientConfig } from 'pg-connection-string';
import { secretOf } from '../load-configuration.js';

/** Requires TLS with a verified certificate. */
export interface TlsDemand {
  /** PEM of the certificate authorities to trust instead of the system's. */
  readonly ca?: string;
}

/** A database's address and credentials. */
export interface DatabaseConnection {
  readonly url: string;
  /** Read for every new connection; by default the URL's own. */
  readonly password?: () => string | undefined;
  /** Undefined: follow the URL's `sslmode`. */
  readonly tls?: TlsDemand;
}

interface DatabaseSettings {
  readonly DATABASE_URL: string;
  readonly DATABASE_TLS: 'url' | 'require';
  readonly DATABASE_CA?: string | undefined;
}

interface NatsSettings {
  readonly NATS_URL: string;
  readonly NATS_USER?: string | undefined;
  readonly NATS_PASSWORD?: string | undefined;
  readonly NATS_TLS: 'server' | 'require';
  readonly NATS_CA?: string | undefined;
}

interface IssuerSettings {
  readonly ISSUER_URL: string;
  readonly JWKS_URL?: string | undefined;
  readonly KEYS_FILE?: string | undefined;
  readonly ALLOW_PLAIN_HTTP: boolean;
}

const demand = (ca: string | undefined): TlsDemand => (ca === undefined ? {} : { ca });

/** The password in a connection URL. */
const passwordIn = (url: string | undefined): string | undefined =>
  url === undefined ? undefined : (parse(url).password ?? undefined);

/** The service's database, from its variables: a password in a file is read again for every connection. */
export function databaseOf(settings: DatabaseSettings): DatabaseConnection {
  const { DATABASE_URL: url, DATABASE_TLS: tls, DATABASE_CA: ca } = settings;
  return {
    url,
    password: () => passwordIn(secretOf('DATABASE_URL') ?? url),
    ...(tls === 'require' ? { tls: demand(ca) } : {}),
  };
}

/** NATS and this service's credentials there, from its variables: a password in a file is read again for every connection. */
export function natsOf(settings: NatsSettings): NatsOptions {
  const { NATS_URL: url, NATS_USER: user, NATS_PASSWORD: password, NATS_TLS: tls, NATS_CA: ca } = settings;
  return {
    url,
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { password: () => secretOf('NATS_PASSWORD') ?? password }),
    ...(tls === 'require' ? { tls: demand(ca) } : {}),
  };
}

/** The issuer whose tokens a service accepts, from its variables. */
export function issuerOf(settings: IssuerSettings): {
  readonly issuer: string;
  readonly jwksUrl?: string;
  readonly keysFile?: string;
  readonly allowPlainHttp: boolean;
} {
  const { ISSUER_URL: issuer, JWKS_URL: jwksUrl, KEYS_FILE: keysFile, ALLOW_PLAIN_HTTP: allowPlainHttp } = settings;
  return {
    issuer,
    ...(jwksUrl === undefined ? {} : { jwksUrl }),
    ...(keysFile === undefined ? {} : { keysFile }),
    allowPlainHttp,
  };
}

/** A connection in the driver's format. Required TLS overrides the URL. */
export function clientConfigOf({ url, password, tls }: DatabaseConnection): pg.ClientConfig {
  const { ssl, ...config } = toClientConfig(parse(url));
  return {
    ...config,
    // A firewall drops a connection that is idle for some minutes, without notifying either side.
    keepAlive: true,
    keepAliveInitialDelayMillis: 30_000,
    ...(tls === undefined ? (ssl === undefined ? {} : { ssl }) : { ssl: { rejectUnauthorized: true, ...tls } }),
    ...(password === undefined ? {} : { password: () => password() ?? '' }),
  };
}
