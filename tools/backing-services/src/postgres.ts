import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { startChild, stopLeftBehind, type Child } from './child.js';
import { natsServices } from './nats-configuration.js';
import { freePort } from './port.js';
import { findBinaries, reachable, runAs, type Binaries, type RunAs } from './postgres-binaries.js';

/** A service's tables belong to a role of their own: the service becomes it to migrate, and has only the rights it then gives itself. */
const separatelyOwned: ReadonlySet<string> = new Set(natsServices);

export interface PostgresOptions {
  /** Holds the data, which survive a restart. */
  readonly directory: string;
  /** A free one by default. */
  readonly port?: number;
  /** The superuser's password. */
  readonly password: string;
  /** Trade safety for speed: for tests whose data nobody needs after a crash. */
  readonly fast?: boolean;
}

/** A PostgreSQL server of our own, on the loopback address. */
export interface Postgres {
  readonly port: number;
  /** Where the data really are. */
  readonly directory: string;
  /**
   * Makes sure that a role and a database of its own exist; a service's own with an owner that nobody logs in as.
   * @returns its connection URL
   */
  createDatabase(name: string, password: string): Promise<string>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** A folder inside a private one cannot be reached by the user that PostgreSQL must run as; then the data live under /var/tmp. */
function dataDirectory(directory: string, user: RunAs | undefined): string {
  const own = resolve(directory);
  mkdirSync(own, { recursive: true, mode: 0o711 });
  if (reachable(own, user)) return own;
  const name = createHash('sha256').update(own).digest('hex').slice(0, 16);
  const elsewhere = join('/var/tmp', `countersign-${name}`);
  mkdirSync(elsewhere, { recursive: true, mode: 0o711 });
  return elsewhere;
}

/** Removes a stopped server's data, wherever they are. */
export function removePostgresData(directory: string): void {
  if (existsSync(directory)) rmSync(dataDirectory(directory, runAs()), { recursive: true, force: true });
  rmSync(directory, { recursive: true, force: true });
}

function initialise(binaries: Binaries, data: string, base: string, user: RunAs | undefined, password: string): void {
  const passwordFile = join(base, `.initial-${String(process.pid)}`);
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  mkdirSync(data, { recursive: true, mode: 0o700 });
  if (user !== undefined) {
    chownSync(passwordFile, user.uid, user.gid);
    chownSync(data, user.uid, user.gid);
  }
  const args = [
    '-D',
    data,
    '-U',
    'postgres',
    '-A',
    'scram-sha-256',
    `--pwfile=${passwordFile}`,
    '-E',
    'UTF8',
    '--locale=C',
    '--no-sync',
  ];
  const { status, stderr } = spawnSync(binaries.initdb, args, { ...user, cwd: base, encoding: 'utf8' });
  rmSync(passwordFile, { force: true });
  if (status === 0) return;
  rmSync(data, { recursive: true, force: true });
  throw new Error(`PostgreSQL could not make its data folder ${data}:\n${stderr}`);
}

async function waitUntilReady(url: string, child: Child): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt += 1) {
    if (!child.running()) throw new Error(`PostgreSQL ended at start:\n${child.lastLines()}`);
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1_000 });
    client.on('error', () => undefined);
    try {
      await client.connect();
      await client.end();
      return;
    } catch {
      await delay(50);
    }
  }
  throw new Error(`PostgreSQL did not answer within 15 seconds:\n${child.lastLines()}`);
}

/** Starts PostgreSQL on a folder, made at the first start. Works as root too: the server then runs as another user. */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const user = runAs();
  const binaries = await findBinaries(user);
  const base = dataDirectory(options.directory, user);
  const data = join(base, 'data');
  await stopLeftBehind(join(data, 'postmaster.pid'), data, 'SIGINT');
  if (!existsSync(join(data, 'PG_VERSION'))) initialise(binaries, data, base, user, options.password);
  const port = options.port ?? (await freePort());
  const admin = `postgres://postgres:${options.password}@127.0.0.1:${String(port)}/postgres`;
  const flags = [
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'max_connections=200',
    'logging_collector=off',
  ];
  if (options.fast === true) flags.push('fsync=off', 'synchronous_commit=off', 'full_page_writes=off');
  const start = async (): Promise<Child> => {
    const args = ['-D', data, '-p', String(port), ...flags.flatMap((flag) => ['-c', flag])];
    const child = await startChild({ command: binaries.postgres, args, cwd: base, ...user });
    await waitUntilReady(admin, child);
    return child;
  };
  let child = await start();

  async function createOwned(client: pg.Client, name: string, role: string): Promise<void> {
    if (!separatelyOwned.has(name)) {
      await client.query(`create database ${role} owner ${role}`);
      return;
    }
    const owner = client.escapeIdentifier(`${name}_owner`);
    await client.query(`create role ${owner} nologin`);
    await client.query(`grant ${owner} to ${role} with inherit false, set true`);
    await client.query(`create database ${role} owner ${owner}`);
    await client.query(`grant connect on database ${role} to ${role}`);
  }

  async function ensureDatabase(name: string, password: string): Promise<void> {
    const client = new pg.Client({ connectionString: admin });
    await client.connect();
    try {
      const role = client.escapeIdentifier(name);
      const roles = await client.query('select 1 from pg_roles where rolname = $1', [name]);
      const verb = roles.rowCount === 0 ? 'create' : 'alter';
      await client.query(`${verb} role ${role} login password ${client.escapeLiteral(password)}`);
      const databases = await client.query('select 1 from pg_database where datname = $1', [name]);
      if (databases.rowCount === 0) await createOwned(client, name, role);
      await client.query(`revoke connect on database ${role} from public`);
    } finally {
      await client.end();
    }
  }

  return {
    port,
    directory: base,
    async createDatabase(name, password) {
      await ensureDatabase(name, password);
      return `postgres://${name}:${password}@127.0.0.1:${String(port)}/${name}`;
    },
    async restart() {
      await child.stop('SIGINT', 20_000);
      child = await start();
    },
    async stop() {
      await child.stop('SIGINT', 20_000);
    },
  };
}
