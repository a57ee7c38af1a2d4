import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { outboxMigrations } from '@countersign/audit-client';
import pg from 'pg';
import { z } from 'zod';
import { reasonOf } from '../no-answer.js';
import { type Finding } from './finding.js';

const root = resolve(import.meta.dirname, '../../../..');
const journalSchema = z.object({ entries: z.array(z.object({ when: z.number(), tag: z.string() })) });
const ROLES = 'docs/operations.md, "Databases and their roles"';

const ownersSchema = z.object({
  database: z.string(),
  login: z.string(),
  owner: z.string(),
  owner_logs_in: z.boolean(),
  may_own: z.boolean(),
  /** Roles that can log in and own tables here. */
  table_owners: z.array(z.string()),
});
type Owners = Readonly<z.infer<typeof ownersSchema>>;
const thereRows = z.tuple([z.object({ there: z.boolean() })]);
const lastRows = z.tuple([z.object({ last: z.string().nullable() })]);

const ownersQuery = `
  select datname as database, session_user as login, rolname as owner, rolcanlogin as owner_logs_in,
         pg_has_role(session_user, datdba, 'MEMBER') as may_own,
         array(select distinct o.rolname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_roles o on o.oid = c.relowner
                where c.relkind in ('r', 'p') and o.rolcanlogin and n.nspname not in ('pg_catalog', 'information_schema')) as table_owners
    from pg_database join pg_roles r on r.oid = datdba where datname = current_database()`;

/** What is wrong with a database's ownership. */
function ownershipFindings(found: Owners): readonly Finding[] {
  const { database, login, owner, owner_logs_in, may_own, table_owners } = found;
  const where = `database ${database}`;
  if (owner_logs_in || table_owners.length > 0) {
    const logins = [...new Set([...(owner_logs_in ? [owner] : []), ...table_owners])].join(', ');
    return [
      {
        code: 'OWNED_BY_LOGIN',
        where,
        what: `the database or its tables belong to a role that can log in: ${logins}; an earlier version set it up this way`,
        to_do: `As superuser: ALTER DATABASE ${database} OWNER TO ${database}_owner; in it REASSIGN OWNED BY ${logins} TO ${database}_owner; then migrate (${ROLES}).`,
      },
    ];
  }
  if (!may_own) return [];
  return [
    {
      code: 'LOGIN_MAY_OWN',
      where,
      what: `the login ${login} may become its owner ${owner}`,
      to_do: `As superuser: REVOKE ${owner} FROM ${login}; migrations have their own login (${ROLES}).`,
    },
  ];
}

/** The migrations of this version, if its files are available: a service's only in the workspace. */
function journalsOf(database: string): readonly { readonly table: string; readonly path: string }[] {
  return [
    { table: '__host_migrations', path: join(root, 'libs/service-host/migrations') },
    { table: '__drizzle_migrations', path: join(root, 'apps', database, 'migrations') },
    { table: '__outbox_migrations', path: outboxMigrations },
  ]
    .map(({ table, path }) => ({ table, path: join(path, 'meta/_journal.json') }))
    .filter(({ path }) => existsSync(path));
}

/** Exists while migrations run, and after an interrupted run: libs/service-host/src/database/migrations.ts */
const UNFINISHED = 'drizzle.__unfinished';

async function isThere(client: pg.Client, table: string): Promise<boolean> {
  const { rows } = await client.query('select to_regclass($1) is not null as there', [table]);
  return thereRows.parse(rows)[0].there;
}

async function lastApplied(client: pg.Client, table: string): Promise<number> {
  if (!(await isThere(client, `drizzle.${table}`))) return -1;
  const { rows } = await client.query(`select max(created_at) as last from drizzle.${table}`);
  return Number(lastRows.parse(rows)[0].last ?? -1);
}

async function missingMigrations(client: pg.Client, database: string): Promise<readonly Finding[]> {
  const missing: string[] = [];
  for (const { table, path } of journalsOf(database)) {
    const { entries } = journalSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
    const last = await lastApplied(client, table);
    missing.push(...entries.filter(({ when }) => when > last).map(({ tag }) => tag));
  }
  const what = [
    ...(missing.length === 0 ? [] : [`it lacks ${missing.join(', ')}`]),
    ...((await isThere(client, UNFINISHED)) ? ['migrations were interrupted before the service got its rights'] : []),
  ];
  if (what.length === 0) return [];
  return [
    {
      code: 'MIGRATIONS_MISSING',
      where: `database ${database}`,
      what: what.join('; '),
      to_do: 'Run `node dist/main.js migrate` of that service with MIGRATION_DATABASE_URL and DATABASE_URL.',
    },
  ];
}

/** Seconds that events may wait: the relay resends after 30 seconds without a receipt. */
const GROUPS_SECONDS = 120;
const waitingRows = z.tuple([z.object({ events: z.string(), since: z.date().nullable() })]);

/** Versions before 0.2 neither send nor count what is in `audit_outbox_group`, so such a service reports that nothing is waiting. */
async function waitingGroups(client: pg.Client, database: string): Promise<readonly Finding[]> {
  if (!(await isThere(client, 'audit_outbox_group'))) return [];
  const { rows } = await client.query(
    `select coalesce(sum(count), 0) as events, min(created_at) as since from audit_outbox_group
      where created_at < now() - $1 * interval '1 second'`,
    [GROUPS_SECONDS],
  );
  const [{ events, since }] = waitingRows.parse(rows);
  if (since === null) return [];
  return [
    {
      code: 'GROUPS_WAIT',
      where: `database ${database}`,
      what: `${events} audit events wait in audit_outbox_group, the oldest since ${since.toISOString()}`,
      to_do:
        'If the service was rolled back to a version before 0.2, start this one again until nothing waits: docs/operations.md, "Going back". Otherwise check its relay and audit.',
    },
  ];
}

function clientOf(url: string): pg.Client | { readonly fault: string } {
  try {
    return new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000, query_timeout: 10_000 });
  } catch (error) {
    return { fault: reasonOf(error) };
  }
}

/** Checks a database with the login of its service. @param url the service's DATABASE_URL */
export async function inspectDatabase(url: string): Promise<readonly Finding[]> {
  const { host, pathname } = URL.canParse(url) ? new URL(url) : { host: '', pathname: '' };
  const where = `database ${pathname.slice(1)}`;
  const client = clientOf(url);
  if ('fault' in client) {
    const to_do = 'Check the files that it names, and write special characters percent-encoded: % as %25, @ as %40.';
    return [{ code: 'DATABASE_NOT_READ', where, what: `${host}: its URL cannot be used: ${client.fault}`, to_do }];
  }
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query(ownersQuery);
    const [owners] = z.array(ownersSchema).parse(rows);
    if (owners === undefined) throw new Error('the server does not list this database');
    const { database } = owners;
    return [
      ...ownershipFindings(owners),
      ...(await missingMigrations(client, database)),
      ...(await waitingGroups(client, database)),
    ];
  } catch (error) {
    return [
      {
        code: 'DATABASE_NOT_READ',
        where,
        what: `${host}: ${reasonOf(error)}`,
        to_do: "Pass the service's own DATABASE_URL, and check that PostgreSQL can be reached from here.",
      },
    ];
  } finally {
    await client.end().catch(() => undefined);
  }
}
