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
  readonly subscribe: readonly string[];
}

/** What one account lets others in for: a `service` takes requests and answers them, a `stream` only sends. */
interface Export {
  readonly kind: 'service' | 'stream';
  readonly subject: string;
  /** Who may import it; every account where left out. */
  readonly to?: readonly NatsService[];
}

interface Import {
  readonly kind: 'service' | 'stream';
  readonly from: NatsService;
  readonly subject: string;
  /** The name here, where it is another. */
  readonly as?: string;
}

/** One service's part of the server: nothing crosses but what is exported and imported. */
export interface NatsAccount {
  readonly name: string;
  /** The second wall, inside the account: what its only user may do. */
  readonly rights: Rights;
  readonly exports: readonly Export[];
  readonly imports: readonly Import[];
  /** Room on disk for its streams and how many there may be; no JetStream where left out. */
  readonly jetStream?: { readonly megabytes: number; readonly streams: number };
}

const bucket = 'KV_revocations';
const directGet = `$JS.API.DIRECT.GET.${bucket}`;
const changes = '$KV.revocations.>';

/** The name under which every account but the issuer's reads an entry of the revocation bucket. */
export const REVOCATIONS_GET = 'revocations.get';

/** A neighbour that opens connections without end takes only its own. */
const CONNECTION_LIMIT = 256;
const SUBSCRIPTION_LIMIT = 4_096;

const accountName = (service: NatsService): string => service.toUpperCase();
const others = (service: NatsService): readonly NatsService[] => natsServices.filter((other) => other !== service);

function exportsOf(service: NatsService): readonly Export[] {
  switch (service) {
    case 'audit':
      return [
        ...others(service).flatMap((to): Export[] => [
          { kind: 'service', subject: `audit.${to}.>`, to: [to] },
          { kind: 'stream', subject: `receipts.${to}`, to: [to] },
        ]),
        { kind: 'stream', subject: 'log.checkpoint' },
      ];
    case 'issuer':
      return [
        { kind: 'stream', subject: changes },
        { kind: 'service', subject: directGet },
      ];
    default:
      return [];
  }
}

function importsOf(service: NatsService): readonly Import[] {
  const fromAudit: readonly Import[] = [
    { kind: 'service', from: 'audit', subject: `audit.${service}.>` },
    { kind: 'stream', from: 'audit', subject: `receipts.${service}` },
    { kind: 'stream', from: 'audit', subject: 'log.checkpoint' },
  ];
  const fromIssuer: readonly Import[] = [
    { kind: 'stream', from: 'issuer', subject: changes },
    { kind: 'service', from: 'issuer', subject: directGet, as: REVOCATIONS_GET },
  ];
  return [...(service === 'audit' ? [] : fromAudit), ...(service === 'issuer' ? [] : fromIssuer)];
}

function rightsOf(service: NatsService): Rights {
  const own = {
    publish: [`audit.${service}.>`],
    subscribe: [`receipts.${service}`, 'log.checkpoint', `_INBOX_${service}.>`],
  };
  const reader = { publish: [REVOCATIONS_GET], subscribe: [changes] };
  switch (service) {
    case 'issuer': {
      const api = ['CREATE', 'UPDATE', 'INFO', 'PURGE'].map((verb) => `$JS.API.STREAM.${verb}.${bucket}`);
      return {
        ...own,
        publish: [...own.publish, changes, directGet, `${directGet}.>`, ...api],
      };
    }
    case 'audit': {
      const written = ['receipts.>', 'log.checkpoint', 'log.kept', 'audit-dead-letters.>', '$JS.API.>', '$JS.ACK.>'];
      return {
        publish: [...own.publish, ...written, ...reader.publish],
        subscribe: [...own.subscribe, ...reader.subscribe],
      };
    }
    default:
      return {
        publish: [...own.publish, ...reader.publish],
        subscribe: [...own.subscribe, ...reader.subscribe],
      };
  }
}

/**
 * No service speaks for another. Each has an account of its own, because permissions inside one account are no wall: JetStream answers on
 * whatever reply subject it is given, and publishes, delivers and copies in the account's name. One truth for the local stack and for compose.
 */
export function natsAccount(service: NatsService): NatsAccount {
  const account = {
    name: accountName(service),
    rights: rightsOf(service),
    exports: exportsOf(service),
    imports: importsOf(service),
  };
  switch (service) {
    case 'issuer':
      return { ...account, jetStream: { megabytes: 256, streams: 1 } };
    case 'audit':
      return { ...account, jetStream: { megabytes: 3_840, streams: 3 } };
    default:
      return account;
  }
}

const quoted = (values: readonly string[]): string => `[${values.map((value) => JSON.stringify(value)).join(', ')}]`;

export interface NatsConfiguration {
  readonly host: string;
  readonly port: number;
  /** On the loopback address only; none: no monitoring. */
  readonly monitorPort?: number;
  readonly storeDirectory: string;
  readonly passwords: NatsPasswords;
}

function exportLine({ kind, subject, to }: Export): string {
  const importers = to === undefined ? '' : `, accounts: ${quoted(to.map(accountName))}`;
  return `      { ${kind}: ${JSON.stringify(subject)}${importers} }`;
}

function importLine({ kind, from, subject, as }: Import): string {
  const local = as === undefined ? '' : `, to: ${JSON.stringify(as)}`;
  return `      { ${kind}: { account: ${accountName(from)}, subject: ${JSON.stringify(subject)} }${local} }`;
}

function accountLines(account: NatsAccount, service: NatsService, password: string): readonly string[] {
  const { name, rights, exports: exported, imports, jetStream } = account;
  const permissions = `{ publish: ${quoted(rights.publish)}, subscribe: ${quoted(rights.subscribe)} }`;
  return [
    `  ${name} {`,
    ...(jetStream === undefined
      ? []
      : [
          `    jetstream { max_mem: 0, max_file: ${String(jetStream.megabytes)}MB, max_streams: ${String(jetStream.streams)} }`,
        ]),
    `    limits { max_connections: ${String(CONNECTION_LIMIT)}, max_subscriptions: ${String(SUBSCRIPTION_LIMIT)} }`,
    `    users: [{ user: ${service}, password: ${JSON.stringify(password)}, permissions: ${permissions} }]`,
    '    exports: [',
    ...exported.map(exportLine),
    '    ]',
    '    imports: [',
    ...imports.map(importLine),
    '    ]',
    '  }',
  ];
}

/**
 * The server's configuration file.
 * @param accountOf another account for a service, for a test that takes one of the walls away
 */
export function natsConfiguration(
  { host, port, monitorPort, storeDirectory, passwords }: NatsConfiguration,
  accountOf: (service: NatsService) => NatsAccount = natsAccount,
): string {
  return [
    `host: ${JSON.stringify(host)}`,
    `port: ${String(port)}`,
    // It tells names and counts without a password.
    ...(monitorPort === undefined ? [] : [`http: ${JSON.stringify(`127.0.0.1:${String(monitorPort)}`)}`]),
    'server_name: countersign',
    'max_payload: 1MB',
    `jetstream { store_dir: ${JSON.stringify(storeDirectory)}, max_memory_store: 64MB, max_file_store: 4GB }`,
    'accounts {',
    ...natsServices.flatMap((service) => accountLines(accountOf(service), service, passwords[service])),
    '}',
    '',
  ].join('\n');
}
