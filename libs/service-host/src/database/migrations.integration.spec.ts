import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  newPassword,
  startDatabases,
  startPostgres,
  testFolder,
  withDatabase,
  type GuardedUrls,
  type Postgres,
} from '@countersign/backing-services';
import pg from 'pg';
import { pino, type Logger } from 'pino';
import { openDatabase } from './database.module.js';
import { migrateService } from '../migrate.js';
import { migrateDatabase } from './migrations.js';

/** As the migrations of our services do it: the service may add rows and change one column. */
const NOTES = `
CREATE TABLE note (id int PRIMARY KEY, text text NOT NULL, read boolean NOT NULL DEFAULT false);
--> statement-breakpoint
CREATE SEQUENCE note_number;
--> statement-breakpoint
DO $$ BEGIN
  IF session_user = current_user THEN RETURN; END IF;
  EXECUTE 'REVOKE ALL ON note FROM ' || quote_ident(session_user);
  EXECUTE 'GRANT SELECT, INSERT ON note TO ' || quote_ident(session_user);
  EXECUTE 'GRANT UPDATE (read) ON note TO ' || quote_ident(session_user);
  EXECUTE 'GRANT USAGE ON SEQUENCE note_number TO ' || quote_ident(session_user);
END $$;`;
const TAKEN_BACK = `DO $$ BEGIN EXECUTE 'REVOKE UPDATE (read), INSERT ON note FROM ' || quote_ident(session_user); END $$;`;

describe('migrations with their own credentials', () => {
  const directory = testFolder();
  let postgres: Postgres;
  const databases = startDatabases();

  function folder(name: string, ...migrations: readonly string[]): string {
    const path = join(directory, name);
    mkdirSync(join(path, 'meta'), { recursive: true });
    const entries = migrations.map((sql, index) => {
      const tag = `000${String(index)}_step`;
      writeFileSync(join(path, `${tag}.sql`), sql);
      return { idx: index, version: '7', when: 1_000 + index, tag, breakpoints: true };
    });
    writeFileSync(join(path, 'meta/_journal.json'), JSON.stringify({ version: '7', dialect: 'postgresql', entries }));
    return path;
  }
  const guarded = (name: string): Promise<GuardedUrls> =>
    postgres.createGuardedDatabase(name, { service: newPassword(), migrator: newPassword() });
  const migrate = ({ migrator, service }: GuardedUrls, from: string): Promise<readonly string[]> =>
    migrateService({ migrationUrl: migrator, serviceUrl: service, folder: from });
  async function mayDo(url: string, statement: string): Promise<boolean> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      return await client.query(statement).then(
        () => true,
        () => false,
      );
    } finally {
      await client.end();
    }
  }
  const add = (id: number): string => `insert into note (id, text) values (${String(id)}, 'x')`;

  beforeAll(async () => {
    postgres = await startPostgres({ directory: join(directory, 'postgres'), password: newPassword(), fast: true });
  }, 60_000);
  afterAll(async () => {
    await Promise.all([postgres.stop(), databases.stop()]);
    for (const folder of [directory, postgres.directory]) rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  it('give the service what they give to session_user, column by column, and take back from it what they take back', async () => {
    const urls = await guarded('payments');
    await migrate(urls, folder('granted', NOTES));
    expect(await mayDo(urls.service, add(1))).toBe(true);
    expect(await mayDo(urls.service, `select nextval('note_number')`)).toBe(true);
    expect(await mayDo(urls.service, 'update note set read = true')).toBe(true);
    expect(await mayDo(urls.service, `update note set text = 'y'`)).toBe(false);
    expect(await mayDo(urls.service, 'delete from note')).toBe(false);
    await migrate(urls, folder('taken-back', NOTES, TAKEN_BACK));
    expect(await mayDo(urls.service, add(2))).toBe(false);
    expect(await mayDo(urls.service, 'update note set read = true')).toBe(false);
    expect(await mayDo(urls.service, 'select * from note')).toBe(true);
  }, 60_000);

  it('say whose login PostgreSQL refuses, as where the roles of a later version are still to be made', async () => {
    const urls = await guarded('refused');
    const migrator = urls.migrator.replace(/:[^:@]+@/, ':wrong@');
    await expect(migrate({ ...urls, migrator }, folder('refused', NOTES))).rejects.toMatchObject({
      name: 'MigrationError',
      message: expect.stringMatching(
        /^PostgreSQL refuses the login of MIGRATION_DATABASE_URL: password auth.*init\.sh/,
      ),
    });
  });

  it('take over a database that the service migrated by itself until now, and leave it the rights that it had', async () => {
    const password = newPassword();
    const url = await postgres.createDatabase('accounts', password);
    const before = folder('before', NOTES);
    const pool = await openDatabase({ url, migrationsFolder: before }, pino({ level: 'silent' }));
    await pool.end();
    const urls = await postgres.createGuardedDatabase('accounts', { service: password, migrator: newPassword() });
    expect(await mayDo(url, 'set role accounts_owner')).toBe(false);
    await migrate(urls, before);
    expect(await mayDo(url, add(1))).toBe(true);
    expect(await mayDo(url, 'update note set read = true')).toBe(true);
    expect(await mayDo(url, 'delete from note')).toBe(false);
    await migrate(urls, folder('after', NOTES, TAKEN_BACK));
    expect(await mayDo(url, add(2))).toBe(false);
    await (await openDatabase({ url, migrationsFolder: before, startTimeoutMs: 0 }, pino({ level: 'silent' }))).end();
  }, 60_000);

  it('give the service all of its rights also where a run was ended halfway', async () => {
    const urls = await guarded('halfway');
    // The host's own are committed, those of the service fail.
    await expect(migrate(urls, folder('halfway', NOTES, 'SELECT 1 / 0'))).rejects.toThrow();
    await migrate(urls, folder('halfway', NOTES));
    expect(await mayDo(urls.service, 'delete from dpop_proof')).toBe(true);
    expect(await mayDo(urls.service, add(1))).toBe(true);
    expect(await mayDo(urls.service, 'delete from note')).toBe(false);

    // All are committed, and the service has no rights to what they made yet.
    const upgrade = folder('halfway', NOTES, `CREATE TABLE later (id int); ${TAKEN_BACK}`);
    await withDatabase(urls.migrator, async (client) => {
      const query = client.query.bind(client);
      let mirrored = 0;
      Object.assign(client, {
        query: (text: unknown, ...rest: unknown[]): unknown => {
          if (typeof text === 'string' && text.includes('$mirror$')) mirrored += 1;
          return mirrored === 2 ? Promise.reject(new Error('killed')) : Reflect.apply(query, client, [text, ...rest]);
        },
      });
      await expect(migrateDatabase(client, { folder: upgrade, service: 'halfway' })).rejects.toThrow('killed');
    });
    expect(await mayDo(urls.service, 'select from later')).toBe(false);
    await migrate(urls, upgrade);
    expect(await mayDo(urls.service, 'insert into later values (1)')).toBe(true);
    expect(await mayDo(urls.service, add(2))).toBe(false);
    expect(await migrate(urls, upgrade)).toEqual([]);
    await (await openDatabase({ url: urls.service, migrationsFolder: upgrade }, pino({ level: 'silent' }))).end();
  }, 60_000);

  it('take as long as they take, however short the time of a statement is', async () => {
    const url = await databases.database('long');
    const pool = await openDatabase(
      { url, migrationsFolder: folder('long', `${NOTES}; select pg_sleep(1.5)`), statementTimeoutMs: 1_000, max: 1 },
      pino({ level: 'silent' }),
    );
    await expect(pool.query('select pg_sleep(1.5)')).rejects.toThrow('statement timeout');
    await pool.end();
  }, 60_000);

  it('do not touch a schema that is up to date', async () => {
    const urls = await guarded('audit');
    const from = folder('once', NOTES);
    expect(await migrate(urls, from)).toEqual([
      '0000_dpop_proofs',
      '0001_api_key_reporters',
      '0002_refused_api_key_reports',
      '0000_step',
      '0000_outbox',
      '0001_outbox_groups',
      '0002_known_index',
      '0003_kept_by_index',
    ]);
    expect(await migrate(urls, from)).toEqual([]);
  }, 60_000);

  it('are waited for by a service that may not migrate, which then names what is missing and the command', async () => {
    const urls = await guarded('issuer');
    const migrationsFolder = folder('waited-for', NOTES);
    const silent = pino({ level: 'silent' });
    await expect(openDatabase({ url: urls.service, migrationsFolder, startTimeoutMs: 0 }, silent)).rejects.toThrow(
      /lacks the migrations .*0000_step.*MIGRATION_DATABASE_URL/,
    );
    const opening = openDatabase({ url: urls.service, migrationsFolder }, silent);
    await migrate(urls, migrationsFolder);
    await (await opening).end();
  }, 60_000);

  it('are refused to a login that is not in the owner role, in words that name the grant', async () => {
    const urls = await guarded('issuer');
    const alone = { migrator: urls.service, service: urls.service };
    await expect(migrate(alone, folder('refused', NOTES))).rejects.toThrow('GRANT issuer_owner TO issuer');
  }, 60_000);

  it('by the one login for all are for development, which each start says', async () => {
    const said: string[] = [];
    const logger: Logger = pino({ level: 'warn' }, { write: (line: string) => said.push(line) });
    const url = await databases.database('payments');
    await (await openDatabase({ url, migrationsFolder: folder('single', NOTES) }, logger)).end();
    expect(said.join('')).toMatch(/for development only.*MIGRATION_DATABASE_URL/);
  }, 60_000);
});
