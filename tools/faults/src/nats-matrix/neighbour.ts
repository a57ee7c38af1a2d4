import { type NatsService } from '@countersign/backing-services';
import { connect, type NatsConnection } from '@nats-io/transport-node';

/** An attacker with a service's NATS credentials. */
export interface Neighbour {
  readonly service: NatsService;
  readonly connection: NatsConnection;
}

export interface Login {
  readonly url: string;
  readonly service: NatsService;
  readonly password: string;
}

export function connectAs({ url, service, password }: Login): Promise<NatsConnection> {
  return connect({
    servers: url,
    user: service,
    pass: password,
    inboxPrefix: `_INBOX_${service}`,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 100,
  });
}

/** Milliseconds that an answer may take; a refusal usually comes sooner. */
const PATIENCE_MS = 250;

const textOf = (body: object | string): string => (typeof body === 'string' ? body : JSON.stringify(body));

/** @returns the answer's text, or undefined if the server refuses or nobody answers */
export async function ask(
  { connection }: Neighbour,
  subject: string,
  body: object | string,
): Promise<string | undefined> {
  try {
    return (await connection.request(subject, textOf(body), { timeout: PATIENCE_MS })).string();
  } catch {
    return undefined;
  }
}

/** Whether JetStream did what was requested. */
export async function succeeds(neighbour: Neighbour, subject: string, body: object | string): Promise<boolean> {
  const answer = await ask(neighbour, subject, body);
  return answer !== undefined && !answer.includes('"error"');
}
