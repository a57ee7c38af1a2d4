import { setTimeout as delay } from 'node:timers/promises';
import { Global, Inject, Module, type DynamicModule, type OnApplicationShutdown } from '@nestjs/common';
import pg from 'pg';
import { type Logger } from 'pino';
import { clientConfigOf, type DatabaseConnection } from './connection-settings.js';
import { databaseFaultOf, databaseReasonOf } from '../problems/database-fault.js';
import { drizzleOn } from './drizzle-on-pool.js';
import { type HealthRegistry } from '../health/health.js';
import { migrateDatabase, MigrationError, missingMigrations, ownershipOf, type Ownership } from './migrations.js';
import { endSilentConnections, STATEMENT_LIMIT_MS } from './statement-limit.js';
import { DATABASE, HEALTH, LOGGER, POOL } from '../tokens.js';

/** The service's database, by drizzle. */
export type Database = ReturnType<typeof drizzleOn>;
/** An open transaction on it. */
export type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0];

/** The service's database, and how it is used. */
export interface DatabaseOptions extends DatabaseConnection {
  /** Folder of drizzle migrations (SQL files and `meta/_journal.json`), applied at startup if the login may do so; otherwise the service waits for them. */
  readonly migrationsFolder: string;
  /** Maximum connections; 10 by default. */
  readonly max?: number;
  /**
   * Sends a connection's queries without waiting for earlier results; off by default. For a service that writes its
   * transactions so that several statements need no answer in between.
   */
  readonly pipeline?: boolean;
  /** Milliseconds that a statement may take, unless its transaction sets another limit; 10,000 by default. */
  readonly statementTimeoutMs?: number;
  /** Milliseconds to wait at startup for a database that does not respond yet; 30,000 by default. */
  readonly startTimeoutMs?: number;
}

/**
 * If the service's own login may become the owner of its database, it runs its own migrations, and warns that this is for development. Otherwise
 * somebody with MIGRATION_DATABASE_URL has migrated, or is about to.
 * @returns the names of the migrations that the database still lacks
 */
async function prepareSchema(pool: pg.Pool, folder: string, logger: Logger): Promise<readonly string[]> {
  const client = await pool.connect();
  try {
    const { login, owner, mayOwn } = await ownershipOf(client);
    if (!mayOwn) return await missingMigrations(client, folder);
    logger.warn(
      { role: login, owner },
      "the service's own login may change its schema, which is for development only; in production give migrations their own MIGRATION_DATABASE_URL and run `migrate` (docs/operations.md)",
    );
    await migrateDatabase(client, { folder });
    return [];
  } finally {
    client.release();
  }
}

async function ownershipIn(pool: pg.Pool): Promise<Ownership> {
  const client = await pool.connect();
  try {
    return await ownershipOf(client);
  } finally {
    client.release();
  }
}

/** PostgreSQL refuses this service's login, so waiting does not help. */
export class DatabaseRefused extends Error {
  readonly code = 'DATABASE_REFUSED';
  constructor(reason: string) {
    super(`PostgreSQL refuses the login in DATABASE_URL: ${reason}. Check its role and password.`);
    this.name = 'DatabaseRefused';
  }
}

/**
 * Opens the pool and brings the schema up to date, waiting for a database that is still starting.
 * @throws PostgreSQL's error, once the wait has ended, or immediately if waiting cannot help (a wrong password)
 */
export async function openDatabase(options: DatabaseOptions, logger: Logger): Promise<pg.Pool> {
  const { statementTimeoutMs = STATEMENT_LIMIT_MS } = options;
  const pool = new pg.Pool({
    ...clientConfigOf(options),
    max: options.max ?? 10,
    pipeline: options.pipeline ?? false,
    connectionTimeoutMillis: 5_000,
    // A new connection costs a login and the plans of all its statements, which would slow down callers after a quiet minute.
    idleTimeoutMillis: 600_000,
    statement_timeout: statementTimeoutMs,
  });
  endSilentConnections(pool, statementTimeoutMs, logger);
  pool.on('error', (error) => {
    logger.warn({ err: error }, 'an idle database connection was lost');
  });
  // A connection lost while in use fails its query; without its own listener it would end the process.
  pool.on('connect', (client) => {
    client.on('error', (error) => {
      logger.debug({ err: error }, 'a database connection was lost');
    });
  });
  const deadline = performance.now() + (options.startTimeoutMs ?? 30_000);
  for (let wait = 50; ; wait = Math.min(wait * 2, 2_000)) {
    try {
      const missing = await prepareSchema(pool, options.migrationsFolder, logger);
      if (missing.length === 0) return pool;
      if (performance.now() + wait > deadline)
        throw new MigrationError(
          `The database lacks the migrations ${missing.join(', ')}, and this login may not apply them. ` +
            'Run `node dist/main.js migrate` with MIGRATION_DATABASE_URL.',
        );
      logger.warn({ missing }, 'waiting for `migrate` to bring the schema up to date');
    } catch (error) {
      if (databaseFaultOf(error) !== 'away' || performance.now() + wait > deadline) {
        await pool.end();
        throw databaseFaultOf(error) === 'refused' ? new DatabaseRefused(databaseReasonOf(error).reason) : error;
      }
      logger.warn('the database does not answer yet; trying again');
    }
    await delay(wait + Math.random() * wait);
  }
}

/** Provides {@link POOL} and {@link DATABASE} to the whole service, migrates at startup, closes at shutdown. */
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
            const { mayOwn } = await ownershipIn(pool);
            health.addNote('database_login', () => ({ may_change_schema: mayOwn }));
            return pool;
          },
        },
        { provide: DATABASE, inject: [POOL], useFactory: (pool: pg.Pool): Database => drizzleOn(pool) },
      ],
      exports: [POOL, DATABASE],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.pool.end();
  }
}
