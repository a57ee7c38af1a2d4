import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { newPassword, startPostgres, testFolder, type GuardedUrls, type Postgres } from '@countersign/backing-services';
import { migrateService } from '@countersign/service-host/migrate';
import pg from 'pg';
import { serviceNames, type ServiceName } from './services.js';

const root = resolve(import.meta.dirname, '../../..');
const folderOf = (name: ServiceName): string => join(root, 'apps', name, 'migrations');

/** What PostgreSQL says to somebody who may not. */
const REFUSED = /permission denied|must be owner|must be superuser|append-only|is not permitted/;

describe("a service's own database login", () => {
  const directory = testFolder();
  const urls = new Map<ServiceName, GuardedUrls>();
  let postgres: Postgres;
  /** Where each service has one login for all. */
  let unguarded: Postgres;

  async function connected<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  }
  const urlsOf = (name: ServiceName): GuardedUrls => {
    const found = urls.get(name);
    if (found === undefined) throw new Error(`${name} has no database`);
    return found;
  };
  const asService = <T>(name: ServiceName, work: (client: pg.Client) => Promise<T>): Promise<T> =>
    connected(urlsOf(name).service, work);

  beforeAll(async () => {
    const start = (name: string): Promise<Postgres> =>
      startPostgres({ directory: join(directory, name), password: newPassword(), fast: true });
    [postgres, unguarded] = await Promise.all([start('postgres'), start('unguarded')]);
    for (const name of serviceNames) {
      const made = await postgres.createGuardedDatabase(name, { service: newPassword(), migrator: newPassword() });
      urls.set(name, made);
      await migrateService({ migrationUrl: made.migrator, serviceUrl: made.service, folder: folderOf(name) });
    }
  }, 180_000);
  afterAll(async () => {
    await Promise.all([postgres.stop(), unguarded.stop()]);
    for (const folder of [directory, postgres.directory, unguarded.directory])
      rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  async function namesOf(client: pg.Client, query: string): Promise<readonly string[]> {
    const { rows } = await client.query<{ name: string }>(query);
    return rows.map(({ name }) => name);
  }
  const tablesOf = (client: pg.Client): Promise<readonly string[]> =>
    namesOf(
      client,
      `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('public', 'drizzle')`,
    );
  /** Every trigger that is not a foreign key's own, with its table. */
  const triggersOf = (client: pg.Client): Promise<readonly string[]> =>
    namesOf(client, `select format('%s|%I', tgrelid::regclass, tgname) as name from pg_trigger where not tgisinternal`);

  async function allRefused(client: pg.Client, statements: readonly string[]): Promise<void> {
    for (const statement of statements) {
      const outcome = await client.query(statement).then(
        () => 'done',
        (error: unknown) => (error instanceof Error ? error.message : String(error)),
      );
      expect([statement, outcome]).toEqual([statement, expect.stringMatching(REFUSED)]);
    }
  }

  it.each(serviceNames)('of %s becomes neither the owner of its tables nor the login that migrates', async (name) => {
    await asService(name, async (client) => {
      const roles = [`${name}_owner`, `${name}_migrator`, 'postgres', 'pg_write_all_data'];
      await allRefused(client, [
        ...roles.flatMap((role) => [`set role ${role}`, `set session authorization ${role}`]),
        `grant ${name}_owner to ${name}`,
        `alter role ${name} superuser`,
        `alter role ${name}_owner login`,
        `alter database ${name} owner to ${name}`,
        `reassign owned by ${name}_owner to ${name}`,
        'set session_replication_role = replica',
        `alter database ${name} set session_replication_role = replica`,
      ]);
    });
  });

  it.each(serviceNames)('of %s cannot alter, truncate or drop a table, nor disable or drop a trigger', async (name) => {
    await asService(name, async (client) => {
      const tables = await tablesOf(client);
      expect(tables.length).toBeGreaterThan(3);
      for (const table of tables)
        await allRefused(client, [
          `alter table ${table} disable trigger all`,
          `alter table ${table} add column extra int`,
          `truncate ${table} cascade`,
          `drop table ${table} cascade`,
          `create trigger mine before insert on ${table} for each row execute function suppress_redundant_updates_trigger()`,
          `create rule mine as on insert to ${table} do instead nothing`,
        ]);
      for (const trigger of await triggersOf(client)) {
        const [table = '', own = ''] = trigger.split('|');
        await allRefused(client, [
          `alter table ${table} disable trigger ${own}`,
          `alter table ${table} enable replica trigger ${own}`,
          `drop trigger ${own} on ${table}`,
        ]);
      }
      const functions = await namesOf(
        client,
        `select oid::regprocedure::text as name from pg_proc where pronamespace = 'public'::regnamespace`,
      );
      for (const one of functions)
        await allRefused(client, [`drop function ${one} cascade`, `alter function ${one} rename to other`]);
      await allRefused(client, [
        'create table public.mine (x int)',
        'create schema mine',
        'drop schema public cascade',
      ]);
    });
  });

  it.each(serviceNames)('of %s reads which migrations ran, and writes none of it', async (name) => {
    await asService(name, async (client) => {
      expect((await client.query('select hash from drizzle.__drizzle_migrations')).rowCount).toBeGreaterThan(0);
      await allRefused(client, [
        'delete from drizzle.__drizzle_migrations',
        `insert into drizzle.__host_migrations (hash, created_at) values ('x', 1)`,
      ]);
    });
  });

  it.each(serviceNames)('of %s connects to its own database only', async (name) => {
    for (const other of [...serviceNames.filter((one) => one !== name), 'postgres', 'template1']) {
      const url = new URL(urlsOf(name).service);
      url.pathname = `/${other}`;
      await expect(connected(url.href, (client) => client.query('select 1'))).rejects.toThrow(
        /permission denied for database/,
      );
    }
  });

  it.each(serviceNames)(
    'of %s has the rights that one login for all has beside its ownership, no more',
    async (name) => {
      const rights = `
      select table_name, privilege_type, null as column_name from information_schema.role_table_grants
       where grantee = $1 and table_schema = 'public'
      union all
      select table_name, privilege_type, column_name from information_schema.column_privileges
       where grantee = $1 and table_schema = 'public' order by 1, 2, 3`;
      const read = async (url: string): Promise<unknown> =>
        connected(url, async (client) => (await client.query(rights, [name])).rows);
      const guarded = await read(urlsOf(name).service);
      const url = await unguarded.createDatabase(name, newPassword());
      await migrateService({ migrationUrl: url, serviceUrl: url, folder: folderOf(name) });
      expect(guarded).toEqual(await read(url));
    },
    120_000,
  );
});
