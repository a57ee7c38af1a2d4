import { withDatabase } from '@countersign/backing-services';

/** The rows of one database at one moment, as `pg_dump` would export them: by table, as JSON. */
export type DatabaseCopy = ReadonlyMap<string, string>;

/** Copies every table of one snapshot, while others write. @param url the superuser's, of this database */
export function copyDatabase(url: string): Promise<DatabaseCopy> {
  return withDatabase(url, async (client) => {
    await client.query('begin isolation level repeatable read read only');
    const { rows: tables } = await client.query<{ name: string }>(
      `select tablename as name from pg_tables where schemaname = 'public' order by 1`,
    );
    const copy = new Map<string, string>();
    for (const { name } of tables) {
      const { rows } = await client.query<{ all: string }>(
        `select coalesce(json_agg(t), '[]')::text as all from ${client.escapeIdentifier(name)} t`,
      );
      copy.set(name, rows[0]?.all ?? '[]');
    }
    await client.query('commit');
    return copy;
  });
}

/** Restores the database: all its rows, with triggers and foreign keys out of the way, as a restore does. Nobody else may use it. */
export function restoreDatabase(url: string, copy: DatabaseCopy): Promise<void> {
  return withDatabase(url, async (client) => {
    await client.query('begin; set local session_replication_role = replica');
    const names = [...copy.keys()].map((name) => client.escapeIdentifier(name));
    await client.query(`truncate ${names.join(', ')}`);
    for (const [name, all] of copy) {
      const table = client.escapeIdentifier(name);
      await client.query(
        `insert into ${table} overriding system value select * from json_populate_recordset(null::${table}, $1::json)`,
        [all],
      );
    }
    await client.query('commit');
  });
}
