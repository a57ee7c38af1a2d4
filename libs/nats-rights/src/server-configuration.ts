import { accountName, natsAccountOf, type NatsAccount, type NatsExport, type NatsImport } from './nats-account.js';

/** A neighbour that opens connections without limit exhausts only its own. */
const CONNECTION_LIMIT = 256;
const SUBSCRIPTION_LIMIT = 4_096;

const quoted = (values: readonly string[]): string => `[${values.map((value) => JSON.stringify(value)).join(', ')}]`;

/** One entry of an account's `exports`. */
export function exportLine({ kind, subject, to }: NatsExport): string {
  const importers = to === undefined ? '' : `, accounts: ${quoted(to.map(accountName))}`;
  return `{ ${kind}: ${JSON.stringify(subject)}${importers} }`;
}

function importLine({ kind, from, subject, as }: NatsImport): string {
  const local = as === undefined ? '' : `, to: ${JSON.stringify(as)}`;
  return `{ ${kind}: { account: ${accountName(from)}, subject: ${JSON.stringify(subject)} }${local} }`;
}

/** What audit's account must export before a new service's account can import it. */
export function exportsFor(service: string): readonly string[] {
  return natsAccountOf('audit', [service])
    .exports.filter(({ to }) => to?.includes(service) === true)
    .map(exportLine);
}

/**
 * An account in the syntax of nats-server's configuration file, inside `accounts { … }`.
 * @param password as allowed in the file: a bcrypt hash, or the password itself
 */
export function accountLines(account: NatsAccount, user: string, password: string): readonly string[] {
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
    `    users: [{ user: ${user}, password: ${JSON.stringify(password)}, permissions: ${permissions} }]`,
    '    exports: [',
    ...exported.map((one) => `      ${exportLine(one)}`),
    '    ]',
    '    imports: [',
    ...imports.map((one) => `      ${importLine(one)}`),
    '    ]',
    '  }',
  ];
}
