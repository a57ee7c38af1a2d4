import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Global, Inject, Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import pg from 'pg';
import { type Logger } from 'pino';
import { databaseFaultOf } from './database-fault.js';
import { type HealthRegistry } from './health.js';
import { DATABASE, HEALTH, LOGGER, POOL } from './tokens.js';

/** The service's database, by drizzle. */
export type Database = NodePgDatabase;
/** An open transaction on it. */
export type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0];

export interface DatabaseOptions {
  readonly url: string;
  /** Folder of drizzle migrations (SQL files and `meta/_journal.json`), applied forward at start. */
  readonly migrationsFolder: string;
  /** Connections at the most; 10 by default. */
  readonly max?: number;
  /**
   * Sends a connection's queries without waiting for the answers of those before; off by default. For a service that writes its
   * transactions so that several statements need no answer in between.
   */
  readonly pipeline?: boolean;
  /** Milliseconds to wait at start for a database that does not answer yet; 30,000 by default. */
  readonly startTimeoutMs?: number;
}

/** One arbitrary number that every replica shares, so that only one of them migrates at a time. */
const migrationLock = 7_305_824;

/** Tables that the host itself keeps in every service's database. */
const hostMigrations = fileURLToPath(new URL('../migrations', import.meta.url));

/**
 * Where the service's role may become its database's owner (and is not), migrations run as the owner; requests never do. So the tables
 * belong to a role that nobody logs in as; the service's own may read and write the rows of each, unless a migration takes that back.
 */
async function becomeOwner(client: pg.PoolClient): Promise<void> {
  const { rows } = await client.query<{ owner: string }>(
    `select pg_get_userbyid(datdba) as owner from pg_database
      where datname = current_database() and pg_get_userbyid(datdba) <> session_user and pg_has_role(session_user, datdba, 'MEMBER')`,
  );
  const [found] = rows;
  if (found === undefined) return;
  await client.query(`set role ${client.escapeIdentifier(found.owner)}`);
  await client.query('alter default privileges grant select, insert, update, delete on tables to session_user');
}

async function migrateWithLock(pool: pg.Pool, migrationsFolder: string): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [migrationLock]);
    try {
      await becomeOwner(client);
      await migrate(drizzle({ client }), { migrationsFolder: hostMigrations, migrationsTable: '__host_migrations' });
      await migrate(drizzle({ client }), { migrationsFolder });
    } finally {
      await client.query('reset role');
      await client.query('select pg_advisory_unlock($1)', [migrationLock]);
    }
  } finally {
    client.release();
  }
}

/**
 * Opens the pool and brings the schema up to date, waiting for a database that is still starting.
 * @throws what PostgreSQL said, once the wait is over or at once when waiting cannot help (a wrong password)
 */
export async function openDatabase(options: DatabaseOptions, logger: Logger): Promise<pg.Pool> {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.max ?? 10,
    pipeline: options.pipeline ?? false,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000,
    statement_timeout: 10_000,
    keepAlive: true,
  });
  pool.on('error', (error) => {
    logger.warn({ err: error }, 'an idle database connection was lost');
  });
  // One that is lost while it is lent out fails its query; without a listener of its own it would end the process.
  pool.on('connect', (client) => {
    client.on('error', (error) => {
      logger.debug({ err: error }, 'a database connection was lost');
    });
  });
  const deadline = performance.now() + (options.startTimeoutMs ?? 30_000);
  for (let wait = 50; ; wait = Math.min(wait * 2, 2_000)) {
    try {
      await migrateWithLock(pool, options.migrationsFolder);
      return pool;
    } catch (error) {
      if (databaseFaultOf(error) !== 'away' || performance.now() + wait > deadline) {
        await pool.end();
        throw error;
      }
      logger.warn('the database does not answer yet; trying again');
      await delay(wait + Math.random() * wait);
    }
  }
}

/** Provides {@link POOL} and {@link DATABASE} to the whole service, migrates at start, closes at stop. */
@Global()
@Module({})
export class DatabaseModule implements OnApplicationShutdown {
  constructor(@Inject(POOL) private readonly pool: pg.Pool) {}

  static forRoot(options: DatabaseOptions): DynamicModule {
    return {
      module: DatabaseModule,
      providers: [
        {
          provide: POOL,
          inject: [LOGGER, HEALTH],
          useFactory: async (logger: Logger, health: HealthRegistry): Promise<pg.Pool> => {
            const pool = await openDatabase(options, logger);
            health.add('database', async () => {
              await pool.query('select 1');
            });
            return pool;
          },
        },
        { provide: DATABASE, inject: [POOL], useFactory: (pool: pg.Pool): Database => drizzle({ client: pool }) },
      ],
      exports: [POOL, DATABASE],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.pool.end();
  }
}
