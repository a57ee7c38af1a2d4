/** Each service of the stack, in the order of their ports, and what it may do on NATS. The one list: identities, databases and ports follow it. */
export const natsServices = ['issuer', 'payments', 'accounts', 'audit'] as const;
export type NatsService = (typeof natsServices)[number];
export type NatsPasswords = Readonly<Record<NatsService, string>>;

/** One of something for each service. */
export function perService<Value>(make: (service: NatsService) => Value): Readonly<Record<NatsService, Value>> {
  const made: Partial<Record<NatsService, Value>> = {};
  for (const service of natsServices) made[service] = make(service);
  const isWhole = (one: Partial<Record<NatsService, Value>>): one is Record<NatsService, Value> =>
    natsServices.every((service) => service in one);
  if (!isWhole(made)) throw new Error('a service is missing');
  return made;
}

interface Rights {
  readonly publish: readonly string[];
  /** Taken away from `publish` again. */
  readonly denyPublish?: readonly string[];
  readonly subscribe: readonly string[];
}

const revocations = 'KV_revocations';
/** What it takes to watch the revocation bucket: its state, a consumer of its own, the answers to flow control. */
const watchRevocations = [
  '$JS.API.INFO',
  `$JS.API.STREAM.INFO.${revocations}`,
  `$JS.API.CONSUMER.CREATE.${revocations}.>`,
  `$JS.API.CONSUMER.INFO.${revocations}.*`,
  `$JS.API.CONSUMER.DELETE.${revocations}.*`,
  `$JS.FC.${revocations}.>`,
];
/** What changes the bucket's stream. */
const changeRevocations = ['CREATE', 'UPDATE', 'PURGE', 'DELETE', 'MSG.DELETE', 'SNAPSHOT', 'RESTORE'].map(
  (verb) => `$JS.API.STREAM.${verb}.${revocations}`,
);

/**
 * No service speaks for another: each publishes under its own name, and only audit reads events; the issuer alone writes the revocation
 * bucket, which all watch. One truth for the local stack and for compose.
 */
export function rightsOf(service: NatsService): Rights {
  const subscribe = [`receipts.${service}`, `_INBOX_${service}.>`, 'log.checkpoint'];
  const publish = [`audit.${service}.>`, ...watchRevocations];
  switch (service) {
    case 'issuer':
      return {
        publish: [
          ...publish,
          '$KV.revocations.>',
          ...['CREATE', 'UPDATE', 'PURGE'].map((verb) => `$JS.API.STREAM.${verb}.${revocations}`),
        ],
        subscribe,
      };
    case 'audit':
      return {
        publish: [...publish, 'receipts.>', 'log.checkpoint', 'audit-dead-letters.>', '$JS.API.>', '$JS.ACK.>'],
        denyPublish: changeRevocations,
        subscribe,
      };
    default:
      return { publish, subscribe };
  }
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
    const { publish, denyPublish = [], subscribe } = rightsOf(service);
    const allowed = `{ allow: ${quoted(publish)}, deny: ${quoted(denyPublish)} }`;
    return `    { user: ${service}, password: ${JSON.stringify(passwords[service])}, permissions: { publish: ${allowed}, subscribe: ${quoted(subscribe)} } }`;
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
