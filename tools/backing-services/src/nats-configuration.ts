/** Each service of the stack, and what it may do on NATS. */
export const natsServices = ['issuer', 'payments', 'accounts', 'audit'] as const;
export type NatsService = (typeof natsServices)[number];
export type NatsPasswords = Readonly<Record<NatsService, string>>;

interface Rights {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

/** No service speaks for another: each publishes under its own name, and only audit reads. One truth for the local stack and for compose. */
export function rightsOf(service: NatsService): Rights {
  const own = [`receipts.${service}`, `_INBOX_${service}.>`];
  const publish = [`audit.${service}.>`];
  if (service !== 'audit') return { publish, subscribe: own };
  return {
    publish: [...publish, 'receipts.>', 'audit-dead-letters.>', '$JS.API.>', '$JS.ACK.>'],
    subscribe: own,
  };
}

const quoted = (values: readonly string[]): string => `[${values.map((value) => JSON.stringify(value)).join(', ')}]`;

export interface NatsConfiguration {
  readonly host: string;
  readonly port: number;
  /** None: no monitoring. */
  readonly monitorPort?: number;
  readonly storeDirectory: string;
  readonly passwords: NatsPasswords;
}

/** The server's configuration file. */
export function natsConfiguration({ host, port, monitorPort, storeDirectory, passwords }: NatsConfiguration): string {
  const users = natsServices.map((service) => {
    const { publish, subscribe } = rightsOf(service);
    return `    { user: ${service}, password: ${JSON.stringify(passwords[service])}, permissions: { publish: ${quoted(publish)}, subscribe: ${quoted(subscribe)} } }`;
  });
  return [
    `host: ${JSON.stringify(host)}`,
    `port: ${String(port)}`,
    ...(monitorPort === undefined ? [] : [`http: ${JSON.stringify(`${host}:${String(monitorPort)}`)}`]),
    'server_name: countersign',
    'max_payload: 1MB',
    `jetstream { store_dir: ${JSON.stringify(storeDirectory)}, max_memory_store: 64MB, max_file_store: 4GB }`,
    'authorization {',
    '  users: [',
    ...users,
    '  ]',
    '}',
    '',
  ].join('\n');
}
