import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { outboxMigrations } from '@countersign/audit-client';
import pg from 'pg';
import { z } from 'zod';
import { atomically, mirrorRights } from './rights.js';
import { limitStatements } from './statement-limit.js';

/** One arbitrary number that every replica shares, so that only one of them migrates at a time. */
const migrationLock = 7_305_824;

/** Tables that the host itself has in every service's database. */
const hostMigrations = fileURLToPath(new URL('../../migrations', import.meta.url));

/** Why a schema cannot be brought up to date, and what to do. */
export class MigrationError extends Error {
  readonly code = 'MIGRATION_IMPOSSIBLE';
  constructor(message: string) {
    super(message);
    this.name = 'MigrationError';
  }
}

interface Journal {
  readonly folder: string;
  /** In drizzle's own schema, where completed migrations are listed. */
  readonly table: '__host_migrations' | '__drizzle_migrations' | '__outbox_migrations';
}

const journalsOf = (folder: string): readonly Journal[] => [
  { folder: hostMigrations, table: '__host_migrations' },
  { folder, table: '__drizzle_migrations' },
  // After the app's, because apps used to create these tables themselves.
  { folder: outboxMigrations, table: '__outbox_migrations' },
];

const lastRows = z.tuple([z.object({ last: z.string().nullable() })]);
const ownershipRows = z.array(z.object({ login: z.string(), owner: z.string(), mayOwn: z.boolean() }));
const loginRows = z.array(z.object({ login: z.string() }));
const mayRows = z.tuple([z.object({ may: z.boolean().nullable() })]);
const journalSchema = z.object({ entries: z.array(z.object({ when: z.number(), tag: z.string() })) });

/** PostgreSQL's codes for a missing table or schema. */
const ABSENT = new Set(['42P01', '3F000']);
const DENIED = '42501';

async function lastApplied(client: pg.ClientBase, table: Journal['table']): Promise<number> {
  const { rows } = await client.query(`select max(created_at) as last from drizzle.${table}`);
  return Number(lastRows.parse(rows)[0].last ?? -1);
}

/**
 * The migrations of the host and the app that this database still lacks, by name. As in drizzle, everything newer than the last one
 * that ran counts; a database ahead of this version lacks none.
 * @param folder the app's drizzle migrations
 */
export async function missingMigrations(client: pg.ClientBase, folder: string): Promise<readonly string[]> {
  const missing: string[] = [];
  for (const journal of journalsOf(folder)) {
    const { entries } = journalSchema.parse(
      JSON.parse(readFileSync(join(journal.folder, 'meta', '_journal.json'), 'utf8')),
    );
    const last = await lastApplied(client, journal.table).catch((error: unknown) => {
      if (error instanceof pg.DatabaseError && (ABSENT.has(error.code ?? '') || error.code === DENIED)) return -1;
      throw error;
    });
    missing.push(...entries.filter(({ when }) => when > last).map(({ tag }) => tag));
  }
  return missing;
}

/** Who owns the database that a connection is in, and whether its login could act as that owner. */
export interface Ownership {
  readonly login: string;
  readonly owner: string;
  /** The login is the owner, or may become it, so it can undo every rule of the schema. */
  readonly mayOwn: boolean;
}

export async function ownershipOf(client: pg.ClientBase): Promise<Ownership> {
  const { rows } = await client.query(
    `select session_user as login, pg_get_userbyid(datdba) as owner, pg_has_role(session_user, datdba, 'MEMBER') as "mayOwn"
       from pg_database where datname = current_database()`,
  );
  const [found] = ownershipRows.parse(rows);
  if (found === undefined) throw new MigrationError('this PostgreSQL server does not list its own database');
  return found;
}

/** Acts as the owner for the rest of the connection; the login may read and write what it creates, unless a migration revokes that. */
async function becomeOwner(client: pg.ClientBase, { login, owner }: Ownership): Promise<void> {
  if (login === owner) return;
  await client.query(`set role ${client.escapeIdentifier(owner)}`);
  await client.query('alter default privileges grant select, insert, update, delete on tables to session_user');
}

async function applyMigrations(client: pg.Client | pg.PoolClient, folder: string): Promise<void> {
  const [{ drizzle }, { migrate }] = await Promise.all([
    import('drizzle-orm/node-postgres'),
    import('drizzle-orm/node-postgres/migrator'),
  ]);
  for (const { folder: migrationsFolder, table: migrationsTable } of journalsOf(folder))
    await migrate(drizzle({ client }), { migrationsFolder, migrationsTable });
}

/** The service may read, but never write, the list of migrations: it must know whether its schema is complete. */
async function letReadJournal(client: pg.ClientBase, service: string): Promise<void> {
  await client.query(`revoke all on all tables in schema drizzle from ${service}`);
  await client.query(`revoke all on schema drizzle from ${service}`);
  await client.query(`grant usage on schema drizzle to ${service}`);
  for (const { table } of journalsOf('')) await client.query(`grant select on drizzle.${table} to ${service}`);
}

/**
 * Names, while migrations run, the login that has the rights they grant. The service gets them at the end, so only that login has what an interrupted run
 * has granted: the next run continues with its rights, not with the service's.
 */
const UNFINISHED = 'drizzle.__unfinished';

/** The login of an interrupted run. @returns undefined if the last one did */
async function unfinishedLogin(client: pg.ClientBase): Promise<string | undefined> {
  const there = await client.query(`select to_regclass('${UNFINISHED}') is not null as may`);
  if (mayRows.parse(there.rows)[0].may !== true) return undefined;
  const { rows } = await client.query(
    `select login from ${UNFINISHED} where exists (select from pg_roles where rolname = login)`,
  );
  return loginRows.parse(rows)[0]?.login;
}

async function beginRights(client: pg.ClientBase, from: string, login: string): Promise<void> {
  await atomically(client, async () => {
    if (from !== login) await mirrorRights(client, from, login);
    await client.query('create schema if not exists drizzle');
    await client.query(`drop table if exists ${UNFINISHED}`);
    await client.query(`create table ${UNFINISHED} as select $1::text as login`, [login]);
  });
}

async function finishRights(client: pg.ClientBase, login: string, service: string): Promise<void> {
  const apart = client.escapeIdentifier(service);
  await atomically(client, async () => {
    await client.query(`alter default privileges revoke all on tables from ${apart}`);
    await mirrorRights(client, login, service);
    await client.query(`drop table ${UNFINISHED}`);
    await letReadJournal(client, apart);
  });
}

async function mayReadJournal(client: pg.ClientBase, service: string): Promise<boolean> {
  const { rows } = await client.query(
    `select has_schema_privilege($1, to_regnamespace('drizzle'), 'usage')
        and has_table_privilege($1, to_regclass('drizzle.__drizzle_migrations'), 'select') as may`,
    [service],
  );
  return mayRows.parse(rows)[0].may === true;
}

/**
 * Applies what is missing, on one replica at a time, as the database's owner; a database that is up to date is not touched.
 *
 * @param client its login is the owner or may become it: the service's own (a single URL, for development), or one for migrations
 * @param service the role that the service logs in as. If it differs from the client's login, it gets the rights that migrations granted to that login:
 *   `session_user` in a migration means the service, no matter who runs it
 * @returns the names of the applied migrations
 * @throws {MigrationError} if the login can never own the schema
 */
export async function migrateDatabase(
  client: pg.Client | pg.PoolClient,
  { folder, service }: { readonly folder: string; readonly service?: string },
): Promise<readonly string[]> {
  const ownership = await ownershipOf(client);
  const { login, owner, mayOwn } = ownership;
  if (!mayOwn)
    throw new MigrationError(
      `The role ${login} may not migrate: the database belongs to ${owner}. Run: GRANT ${owner} TO ${login}`,
    );
  const apart = service === login ? undefined : service;

  // Without a time limit, even if another replica takes long: an abandoned run would be abandoned at every start.
  await limitStatements(client, 0, 'session');
  await client.query('select pg_advisory_lock($1)', [migrationLock]);
  try {
    await becomeOwner(client, ownership);
    const missing = await missingMigrations(client, folder);
    if (apart === undefined) {
      if (missing.length > 0) await applyMigrations(client, folder);
      return missing;
    }
    const unfinished = await unfinishedLogin(client);
    if (missing.length === 0 && unfinished === undefined && (await mayReadJournal(client, apart))) return missing;
    await beginRights(client, unfinished ?? apart, login);
    await applyMigrations(client, folder);
    await finishRights(client, login, apart);
    return missing;
  } finally {
    await client.query('reset role');
    await client.query('select pg_advisory_unlock($1)', [migrationLock]);
    await client.query('reset statement_timeout');
  }
}
