import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { startChild, stopLeftBehind, type Child } from './child.js';
import { withDatabase } from './database-connections.js';
import { freePort } from './port.js';
import { initialise } from './initdb.js';
import { findBinaries } from './postgres-binaries.js';
import {
  closeToPublic,
  createDatabase,
  createGuardedDatabase,
  dropDatabase,
  migratorOf,
  shutOut,
  type GuardedPasswords,
  type Naming,
} from './postgres-roles.js';
import { copyCluster } from './postgres-template.js';
import { runAs } from './run-as.js';
import { dataDirectory } from './trusted-folder.js';

export interface PostgresOptions {
  /** Holds the data, which survive a restart. */
  readonly directory: string;
  /** A free one by default. */
  readonly port?: number;
  /** The superuser's password. */
  readonly password: string;
  /** Trade safety for speed, and copy a new cluster instead of creating it: for tests whose data need not survive a crash. */
  readonly fast?: boolean;
  /** It does not keep this process alive, and ends with it, its own folder and these removed. */
  readonly endsWithUs?: { readonly removes: readonly string[] };
}

/** Where a database's two logins connect. */
export interface GuardedUrls {
  /** DATABASE_URL: reads and writes rows, as far as the migrations allow. */
  readonly service: string;
  /** MIGRATION_DATABASE_URL: becomes the owner to migrate. */
  readonly migrator: string;
}

/** Our own PostgreSQL server, on the loopback address. */
export interface Postgres {
  readonly port: number;
  /** The server's process; one that serves a connection is a child of it. */
  readonly pid: number;
  /** Where the data really are. */
  readonly directory: string;
  /**
   * Makes sure that a role and its database exist; a service's own with an owner that nobody logs in as, which the service's
   * login may become: a single URL, as specs and development use it.
   * @param login also the database's name, unless `naming` gives another
   * @returns its connection URL
   */
  createDatabase(login: string, password: string, naming?: Naming): Promise<string>;
  /** Ends the right of a login to connect to a database that is only copied from now on. */
  shutOut(login: string, name: string): Promise<void>;
  /** Removes a database and ends the connections to it. */
  dropDatabase(name: string): Promise<void>;
  /**
   * The same with two logins: the service's can never become the owner, the migrator's does nothing else.
   * @returns the connection URL of each
   */
  createGuardedDatabase(name: string, passwords: GuardedPasswords): Promise<GuardedUrls>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const WRONG_PASSWORD = '28P01';

async function waitUntilReady(url: string, child: Child, data: string): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt += 1) {
    if (!child.running()) throw new Error(`PostgreSQL ended at startup:\n${child.lastLines()}`);
    try {
      await withDatabase({ connectionString: url, connectionTimeoutMillis: 1_000 }, () => Promise.resolve());
      return;
    } catch (error) {
      if (error instanceof pg.DatabaseError && error.code === WRONG_PASSWORD)
        throw new Error(
          `The PostgreSQL data in ${data} were made with another superuser password. Begin again: npm start -- --reset`,
          { cause: error },
        );
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
  const place = { binaries, data, base, user };
  let { password } = options;
  if (!existsSync(join(data, 'PG_VERSION')))
    if (options.fast === true)
      password = copyCluster(binaries, data, (initial) => {
        initialise(place, initial, '--wal-segsize=1');
      });
    else initialise(place, password);
  const port = options.port ?? (await freePort());
  const adminUrl = (): string => `postgres://postgres:${password}@127.0.0.1:${String(port)}/postgres`;
  const flags = [
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'max_connections=200',
    'logging_collector=off',
  ];
  if (options.fast === true)
    // Passwords that last as long as a test are hashed once: 4,096 times cost each connection a millisecond of processor time.
    flags.push('fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'scram_iterations=1');
  const start = async (): Promise<Child> => {
    const args = ['-D', data, '-p', String(port), ...flags.flatMap((flag) => ['-c', flag])];
    const child = await startChild({
      command: binaries.postgres,
      args,
      cwd: base,
      ...user,
      // Immediately, but with its shared memory removed.
      endsWithUs: options.endsWithUs && { signal: 'SIGQUIT', removes: [base, ...options.endsWithUs.removes] },
    });
    try {
      await waitUntilReady(adminUrl(), child, data);
    } catch (error) {
      await child.stop('SIGINT', 5_000);
      throw error;
    }
    return child;
  };
  /** Processes of a server that was killed a moment ago may still write to its files. */
  const startBehind = async (): Promise<Child> => {
    for (let attempt = 0; ; attempt += 1)
      try {
        return await start();
      } catch (error) {
        if (attempt === 50 || !(error instanceof Error && error.message.includes('pre-existing shared memory')))
          throw error;
        await delay(200);
      }
  };
  let child = await startBehind();

  async function asSuperuser(work: (client: pg.Client) => Promise<void>): Promise<void> {
    await withDatabase(adminUrl(), work);
  }
  try {
    await asSuperuser(async (client) => {
      await closeToPublic(client);
      if (password !== options.password)
        await client.query(`alter role postgres password ${client.escapeLiteral(options.password)}`);
    });
    ({ password } = options);
  } catch (error) {
    await child.stop('SIGINT', 5_000);
    throw error;
  }

  const urlOf = (role: string, password: string, name: string): string =>
    `postgres://${role}:${password}@127.0.0.1:${String(port)}/${name}`;

  return {
    port,
    get pid() {
      return child.pid;
    },
    directory: base,
    async createDatabase(login, password, naming = {}) {
      await asSuperuser((client) => createDatabase(client, login, password, naming));
      return urlOf(login, password, naming.named ?? login);
    },
    shutOut: (login, name) => asSuperuser((client) => shutOut(client, login, name)),
    dropDatabase: (name) => asSuperuser((client) => dropDatabase(client, name)),
    async createGuardedDatabase(name, passwords) {
      await asSuperuser((client) => createGuardedDatabase(client, name, passwords));
      return {
        service: urlOf(name, passwords.service, name),
        migrator: urlOf(migratorOf(name), passwords.migrator, name),
      };
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
