import { accountLines, natsAccountOf, type NatsAccount } from '@countersign/nats-rights';

/** Each service of the stack, in the order of their ports, and what it may do on NATS. The one list: identities, databases and ports follow it. */
export const natsServices = ['issuer', 'payments', 'accounts', 'audit'] as const;
export type NatsService = (typeof natsServices)[number];
/** Of the stack's services, and of others that have an account beside them. */
export type NatsPasswords = Readonly<Record<NatsService, string>> & Readonly<Partial<Record<string, string>>>;

/** One of something for each service. */
export function perService<Value>(make: (service: NatsService) => Value): Readonly<Record<NatsService, Value>> {
  const made: Partial<Record<NatsService, Value>> = {};
  for (const service of natsServices) made[service] = make(service);
  const isWhole = (one: Partial<Record<NatsService, Value>>): one is Record<NatsService, Value> =>
    natsServices.every((service) => service in one);
  if (!isWhole(made)) throw new Error('a service is missing');
  return made;
}

/** A service's account on the stack's server: what every service may do is defined in `@countersign/nats-rights`. */
export function natsAccount(service: string, services: readonly string[] = natsServices): NatsAccount {
  return natsAccountOf(service, services);
}

export interface NatsConfiguration {
  readonly host: string;
  readonly port: number;
  /** On the loopback address only; none: no monitoring. */
  readonly monitorPort?: number;
  readonly storeDirectory: string;
  readonly passwords: NatsPasswords;
}

/**
 * The server's configuration file.
 * @param accountOf another account for a service, for a test that removes one of the barriers
 */
export function natsConfiguration(
  { host, port, monitorPort, storeDirectory, passwords }: NatsConfiguration,
  accountOf: (service: string, services: readonly string[]) => NatsAccount = natsAccountOf,
): string {
  // The stack's own first; then others that were given a password.
  const services: readonly string[] = [...new Set<string>([...natsServices, ...Object.keys(passwords)])];
  return [
    `host: ${JSON.stringify(host)}`,
    `port: ${String(port)}`,
    // It reveals names and counts without a password.
    ...(monitorPort === undefined ? [] : [`http: ${JSON.stringify(`127.0.0.1:${String(monitorPort)}`)}`]),
    'server_name: countersign',
    'max_payload: 1MB',
    `jetstream { store_dir: ${JSON.stringify(storeDirectory)}, max_memory_store: 64MB, max_file_store: 4GB }`,
    'accounts {',
    ...services.flatMap((service) => accountLines(accountOf(service, services), service, passwords[service] ?? '')),
    '}',
    '',
  ].join('\n');
}
