import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type NatsPasswords } from './nats-configuration.js';
import { startNats, type Nats } from './nats.js';
import { newNatsPasswords, newPassword } from './password.js';
import { startPostgres, type Postgres } from './postgres.js';
import { sharedPostgres, type Migrate, type OwnDatabase } from './shared-postgres.js';
import { startedTogether } from './started-together.js';
import { testFolder } from './test-folder.js';

/** Databases for a spec, on a PostgreSQL that the specs of this process share. */
export interface Databases {
  /**
   * A new database with one login for everything, used by no other spec.
   * @param migrate for one that has its schema: runs once in this process for each name, then its result is copied. Empty without it
   * @returns its connection URL
   */
  database(name: string, migrate?: Migrate): Promise<string>;
  /** Removes them. */
  stop(): Promise<void>;
}

/** Real PostgreSQL and NATS, on free ports: a spec's own NATS server and databases. */
export interface BackingServices extends Databases {
  readonly nats: Nats;
  readonly passwords: NatsPasswords;
}

/** With its own PostgreSQL server too, which may be stopped. */
export interface OwnBackingServices extends BackingServices {
  readonly postgres: Postgres;
}

export interface BackingServicesOptions {
  /** Further services that have an account on NATS beside the stack's. */
  readonly services?: readonly string[];
  /** NATS ends with this process, for spec files that share it. */
  readonly shared?: boolean;
}

/** Databases for a spec that needs no NATS; call `stop` when done. */
export function startDatabases(): Databases {
  const made: OwnDatabase[] = [];
  return {
    async database(name, migrate) {
      const database = await (await sharedPostgres()).database(name, migrate);
      made.push(database);
      return database.url;
    },
    async stop() {
      await Promise.all(made.splice(0).map((database) => database.drop()));
    },
  };
}

async function startOwnNats(
  directory: string,
  { services = [], shared = false }: BackingServicesOptions,
): Promise<Omit<BackingServices, keyof Databases>> {
  const own = services.map((name) => [name, newPassword()] as const);
  const passwords: NatsPasswords = { ...Object.fromEntries(own), ...newNatsPasswords() };
  const endsWithUs = shared ? { removes: [directory] } : undefined;
  return { passwords, nats: await startNats({ directory: join(directory, 'nats'), passwords, endsWithUs }) };
}

/** Starts both for a spec; call `stop` when done, which removes everything of this spec. PostgreSQL ends with the process. */
export async function startBackingServices(options: BackingServicesOptions = {}): Promise<BackingServices> {
  const directory = testFolder();
  const databases = startDatabases();
  const [started] = await Promise.all([startOwnNats(directory, options), sharedPostgres()]);
  return {
    ...started,
    database: (name, migrate) => databases.database(name, migrate),
    async stop() {
      await Promise.all([databases.stop(), started.nats.stop()]);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/**
 * Starts both with a PostgreSQL that nobody shares; call `stop` when done, which removes everything.
 * @param durable whether PostgreSQL syncs each commit to disk, as in production: for benchmarks. A spec's data need not survive a crash
 * @param large whether its data may be more than memory holds: then they are on disk, though not synced
 */
export async function startOwnBackingServices({
  services = [],
  durable = false,
  large = durable,
}: BackingServicesOptions & {
  readonly durable?: boolean;
  readonly large?: boolean;
} = {}): Promise<OwnBackingServices> {
  const directory = large ? mkdtempSync(join(tmpdir(), 'countersign-')) : testFolder();
  const [postgres, { passwords, nats }] = await startedTogether([
    startPostgres({ directory: join(directory, 'postgres'), password: newPassword(), fast: !durable }),
    startOwnNats(directory, { services }).then((started) => ({ ...started, stop: () => started.nats.stop() })),
  ]);
  return {
    ...{ passwords, nats, postgres },
    async database(name, migrate) {
      const url = await postgres.createDatabase(name, newPassword());
      await migrate?.(url);
      return url;
    },
    async stop() {
      await Promise.all([postgres.stop(), nats.stop()]);
      for (const folder of [directory, postgres.directory]) rmSync(folder, { recursive: true, force: true });
    },
  };
}
