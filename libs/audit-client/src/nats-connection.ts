import { setTimeout as delay } from 'node:timers/promises';
import { reasonOf } from '@countersign/auth-core';
import { connect, usernamePasswordAuthenticator, type NatsConnection } from '@nats-io/transport-node';

/** The NATS server, and the user to connect as. */
export interface NatsOptions {
  /** One server, or several of a cluster, separated by commas. */
  readonly url: string;
  readonly user?: string | undefined;
  /** A function is asked again for every connection, so that a rotated password needs no restart. */
  readonly password?: string | (() => string | undefined) | undefined;
  /** Requires TLS with a verified certificate; when omitted, TLS is used if the server offers it. */
  readonly tls?: {
    /** PEM of the certificate authorities to trust instead of the system's. */
    readonly ca?: string;
  };
}

/** The logger of connections; pino fits. */
export interface ConnectionLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/**
 * Milliseconds between two pings of the server. One that vanishes silently (its machine lost power, a firewall forgot the
 * connection) is given up when it has missed two of them; the client's own default would wait six minutes before it tries another one of the
 * cluster.
 */
const PING_EVERY_MS = 10_000;

const lost = new WeakSet<NatsConnection>();

/** Follows the client's status events: the client reports itself as open even while it tries to reconnect. */
async function follow(connection: NatsConnection): Promise<void> {
  for await (const { type } of connection.status()) {
    if (type === 'disconnect' || type === 'staleConnection') lost.add(connection);
    if (type === 'reconnect') lost.delete(connection);
  }
}

/** Whether a connection of {@link connectToNats} is connected to a server right now, not only trying to be. */
export function isConnected(connection: NatsConnection | undefined): boolean {
  return connection !== undefined && !connection.isClosed() && !lost.has(connection);
}

/**
 * Connects, retrying until the server is reachable; once connected, the client itself reconnects forever. Inboxes carry the user's name, so that the
 * server's permissions can keep them apart.
 */
export async function connectToNats(
  name: string,
  options: NatsOptions,
  logger: ConnectionLogger,
  signal: AbortSignal,
): Promise<NatsConnection | undefined> {
  const { url, user, password, tls } = options;
  const passwordNow = (): string | undefined => (typeof password === 'function' ? password() : password);
  for (let wait = 100; !signal.aborted; wait = Math.min(wait * 2, 5_000)) {
    try {
      const connection = await connect({
        servers: url.split(','),
        name,
        ...(user === undefined
          ? {}
          : {
              inboxPrefix: `_INBOX_${user}`,
              authenticator: usernamePasswordAuthenticator(user, () => passwordNow() ?? ''),
            }),
        ...(tls === undefined ? {} : { tls }),
        timeout: 2_000,
        pingInterval: PING_EVERY_MS,
        maxReconnectAttempts: -1,
        reconnectTimeWait: 250,
        reconnectJitter: 250,
        ignoreAuthErrorAbort: true,
      });
      void follow(connection);
      logger.info({ server: connection.getServer() }, 'connected to NATS');
      return connection;
    } catch (error) {
      logger.warn({ reason: reasonOf(error) }, 'NATS does not answer; trying again');
      await delay(wait * (0.5 + Math.random()), undefined, { signal }).catch(() => undefined);
    }
  }
  return undefined;
}
