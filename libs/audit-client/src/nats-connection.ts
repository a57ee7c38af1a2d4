import { setTimeout as delay } from 'node:timers/promises';
import { connect, type NatsConnection } from '@nats-io/transport-node';

export interface NatsOptions {
  /** One server, or several of a cluster parted by commas. */
  readonly url: string;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
}

export interface ConnectionLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/**
 * Connects, and tries on for as long as the server is away; once connected, the client itself reconnects for ever.
 * Inboxes carry the user's name, so that the server's permissions can keep them apart.
 */
export async function connectToNats(
  name: string,
  options: NatsOptions,
  logger: ConnectionLogger,
  signal: AbortSignal,
): Promise<NatsConnection | undefined> {
  const { url, user, password } = options;
  for (let wait = 100; !signal.aborted; wait = Math.min(wait * 2, 5_000)) {
    try {
      const connection = await connect({
        servers: url.split(','),
        name,
        ...(user === undefined ? {} : { user, inboxPrefix: `_INBOX_${user}` }),
        ...(password === undefined ? {} : { pass: password }),
        timeout: 2_000,
        maxReconnectAttempts: -1,
        reconnectTimeWait: 250,
        reconnectJitter: 250,
        ignoreAuthErrorAbort: true,
      });
      logger.info({ server: connection.getServer() }, 'connected to NATS');
      return connection;
    } catch (error) {
      logger.warn(
        { reason: error instanceof Error ? error.message : String(error) },
        'NATS does not answer; trying again',
      );
      await delay(wait * (0.5 + Math.random()), undefined, { signal }).catch(() => undefined);
    }
  }
  return undefined;
}
