import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { migrationVariables } from './configuration.js';
import { loadConfiguration } from './load-configuration.js';
import { clientConfigOf, databaseOf, type TlsDemand } from './database/connection-settings.js';
import { databaseFaultOf, databaseReasonOf } from './problems/database-fault.js';
import { migrateDatabase, MigrationError } from './database/migrations.js';

/** The database to migrate, and the logins. */
export interface MigrationSettings {
  /** The login that may become the database's owner. */
  readonly migrationUrl: string;
  /** The service's own URL: its role gets the rights that the migrations grant; its password is not used. */
  readonly serviceUrl: string;
  readonly tls?: TlsDemand;
  /** The app's drizzle migrations. */
  readonly folder: string;
  /** Milliseconds to wait for a database that does not respond yet; 30,000 by default. */
  readonly startTimeoutMs?: number;
}

/** The role of a connection URL. @throws {MigrationError} when there is none */
function roleOf(url: string): string {
  const role = decodeURIComponent(new URL(url).username);
  if (role === '') throw new MigrationError('DATABASE_URL must name a role: postgres://ROLE:PASSWORD@HOST/DATABASE');
  return role;
}

/**
 * Brings one service's schema up to date with its own credentials.
 * @returns the names of the applied migrations
 * @throws {MigrationError} and PostgreSQL's error, once waiting has ended or cannot help
 */
export async function migrateService(settings: MigrationSettings): Promise<readonly string[]> {
  const deadline = Date.now() + (settings.startTimeoutMs ?? 30_000);
  const service = roleOf(settings.serviceUrl);
  const { migrationUrl: url, tls } = settings;
  const connection = clientConfigOf({ url, ...(tls === undefined ? {} : { tls }) });
  for (let wait = 50; ; wait = Math.min(wait * 2, 2_000)) {
    const client = new pg.Client({ ...connection, connectionTimeoutMillis: 5_000 });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return await migrateDatabase(client, { folder: settings.folder, service });
    } catch (error) {
      const fault = databaseFaultOf(error);
      if (fault === 'refused')
        throw new MigrationError(
          `PostgreSQL refuses the login of MIGRATION_DATABASE_URL: ${databaseReasonOf(error).reason}. ` +
            'Its role must be there first (deploy/postgres/init.sh creates it), with this password.',
        );
      if (fault !== 'away' || Date.now() + wait > deadline) throw error;
      await delay(wait);
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}

/**
 * `node dist/main.js migrate`: reads `MIGRATION_DATABASE_URL` and `DATABASE_URL` (or `…_FILE`), migrates, and prints what it applied.
 * @throws {ConfigurationError} when one of them is missing
 */
export async function runMigrations(folder: string): Promise<void> {
  const configuration = loadConfiguration(migrationVariables);
  const { tls } = databaseOf(configuration);
  const ran = await migrateService({
    ...(tls === undefined ? {} : { tls }),
    migrationUrl: configuration.MIGRATION_DATABASE_URL,
    serviceUrl: configuration.DATABASE_URL,
    folder,
  });
  process.stdout.write(ran.length === 0 ? 'The schema is up to date.\n' : `Applied ${ran.join(', ')}.\n`);
}
