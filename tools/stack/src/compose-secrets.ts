import { natsConfiguration, natsServices, perService } from '@countersign/backing-services';
import { clientsFile, plansFile, providerClientsFile, providersFile, webhookKeysFile } from './client-policies.js';
import { jwkSchema, logKeySchema, type Identities } from './identities.js';
import { portsFrom } from './services.js';

/** The files of the secrets' volumes, as far as they are there already. */
export interface SecretFiles {
  /** @param path `folder/name` @returns undefined when there is no such file */
  read(path: string): string | undefined;
}

/** One volume's files; what an earlier version put there and that is no longer allowed is removed. */
export interface SecretFolder {
  readonly files: Readonly<Record<string, string>>;
  readonly removed?: readonly string[];
}

/** Folders whose reader's user the image chooses. */
export const SHARED_FOLDERS: ReadonlySet<string> = new Set(['postgres', 'nats']);

/** The issuer's port in compose; the other services follow. */
const FIRST_PORT = 4_000;

/** As browsers on this machine and the containers both know them. */
const URLS = {
  issuer: 'http://issuer.localhost:4000',
  provider: 'http://provider.localhost:4010',
  shop: 'http://shop.localhost:4011',
  console: 'http://audit.localhost:4003',
};

type ClientName = keyof Identities['clients'];

/** The clients that people use from a terminal. */
const cliClients: readonly ClientName[] = ['storefront', 'auditor', 'operator', 'privacy-officer'];

function parsed<T>(text: string | undefined, schema: { parse(value: unknown): T }, otherwise: T): T {
  return text === undefined ? otherwise : schema.parse(JSON.parse(text));
}

/** The identities that an earlier start wrote, each from where it was or is kept; `fresh` where there was none. */
export function identitiesFrom({ read }: SecretFiles, fresh: Identities): Identities {
  const client = (name: ClientName): Identities['clients'][ClientName] =>
    parsed(
      name === 'payments'
        ? read('payments/client-key.json')
        : (read(`cli/env/${name}-key.json`) ?? read(`sample/${name}.json`)),
      jwkSchema,
      fresh.clients[name],
    );
  return {
    ...fresh,
    keyEncryptionKey: read('issuer/key-encryption-keys') ?? fresh.keyEncryptionKey,
    logKey: parsed(read('audit/log-key.json'), logKeySchema, fresh.logKey),
    clients: {
      storefront: client('storefront'),
      payments: client('payments'),
      auditor: client('auditor'),
      operator: client('operator'),
      'privacy-officer': client('privacy-officer'),
      'corner-shop': parsed(read('shop/client-key.json'), jwkSchema, fresh.clients['corner-shop']),
      console: parsed(read('audit/console-key.json'), jwkSchema, fresh.clients.console),
    },
    guests: Object.fromEntries(
      Object.entries(fresh.guests).map(([name, guest]) => [
        name,
        { ...guest, key: parsed(read(`${name}/client-key.json`), jwkSchema, guest.key) },
      ]),
    ),
    providerSecret: read('issuer/provider-secret') ?? fresh.providerSecret,
    consoleSessionKey: read('audit/console-session-key') ?? fresh.consoleSessionKey,
    superuserPassword: read('postgres/superuser-password') ?? fresh.superuserPassword,
    databasePasswords: perService((name) => read(`postgres/${name}-password`) ?? fresh.databasePasswords[name]),
    migratorPasswords: perService(
      (name) => read(`postgres/${name}-migrator-password`) ?? fresh.migratorPasswords[name],
    ),
    natsPasswords: perService((name) => read(`${name}/nats-password`) ?? fresh.natsPasswords[name]),
  };
}

/** The issuer's is part of its identifier, which clients name exactly. */
const hostOf = (name: string): string => (name === 'issuer' ? new URL(URLS.issuer).hostname : name);

function databaseUrl(role: string, password: string, database: string): string {
  return `postgres://${role}:${password}@postgres:5432/${database}`;
}

/**
 * What each volume holds. Keys that somebody may have rotated by hand stay as they are; what follows from the version (the clients and their
 * policies, NATS's configuration) is recreated.
 */
export function composeSecrets(identities: Identities, { read }: SecretFiles): Readonly<Record<string, SecretFolder>> {
  const { clients, databasePasswords, migratorPasswords, natsPasswords } = identities;
  const key = (name: ClientName): string => JSON.stringify(clients[name]);
  const declaredClients = JSON.stringify(clientsFile(identities, URLS));
  const own: Readonly<Partial<Record<string, Readonly<Record<string, string>>>>> = {
    issuer: {
      'clients.json': declaredClients,
      'providers.json': JSON.stringify(providersFile(URLS.provider, 'provider-secret')),
      'provider-secret': identities.providerSecret,
      'plans.json': JSON.stringify(plansFile()),
      'key-encryption-keys': identities.keyEncryptionKey,
    },
    payments: {
      'client-key.json': read('payments/client-key.json') ?? key('payments'),
      'webhook-keys.json': read('payments/webhook-keys.json') ?? JSON.stringify(webhookKeysFile(identities)),
    },
    ...Object.fromEntries(
      Object.entries(identities.guests).map(([name, { key: own }]) => [
        name,
        { 'client-key.json': JSON.stringify(own) },
      ]),
    ),
    audit: {
      'log-key.json': read('audit/log-key.json') ?? JSON.stringify(identities.logKey),
      'console-key.json': key('console'),
      'console-session-key': identities.consoleSessionKey,
    },
  };
  const ports = portsFrom(FIRST_PORT);
  const folders: Record<string, SecretFolder> = {};
  for (const name of natsServices) {
    const serviceUrl = databaseUrl(name, databasePasswords[name], name);
    folders[name] = {
      files: {
        ...own[name],
        'database-url': read(`${name}/database-url`) ?? serviceUrl,
        'nats-password': natsPasswords[name],
      },
    };
    folders[`${name}-migration`] = {
      files: {
        'database-url': serviceUrl,
        'migration-database-url': databaseUrl(`${name}_migrator`, migratorPasswords[name], name),
      },
    };
  }
  const perServicePasswords = natsServices.flatMap((name) => [
    [`${name}-password`, databasePasswords[name]] as const,
    [`${name}-migrator-password`, migratorPasswords[name]] as const,
  ]);
  return {
    ...folders,
    postgres: {
      files: { 'superuser-password': identities.superuserPassword, ...Object.fromEntries(perServicePasswords) },
    },
    nats: {
      files: {
        'nats.conf': natsConfiguration({
          host: '0.0.0.0',
          port: 4222,
          monitorPort: 8222,
          storeDirectory: '/data',
          passwords: natsPasswords,
        }),
      },
    },
    // As `npm start` leaves its folder, so that the command line finds here what it finds there.
    cli: {
      files: {
        'env/clients.json': declaredClients,
        ...Object.fromEntries(cliClients.map((name) => [`env/${name}-key.json`, key(name)])),
        ...Object.fromEntries(
          natsServices.map((name) => [`env/${name}.env`, `HOST=${hostOf(name)}\nPORT=${String(ports[name])}\n`]),
        ),
      },
    },
    provider: { files: { 'clients.json': JSON.stringify(providerClientsFile(identities, URLS.issuer)) } },
    shop: { files: { 'client-key.json': key('corner-shop') } },
    sample: {
      files: { 'auditor.json': key('auditor'), 'storefront.json': key('storefront') },
      removed: ['operator.json', 'privacy-officer.json'],
    },
  };
}
