import { sqlStateOf } from '@countersign/service-host';
import { getTableColumns, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import pg from 'pg';
import { type ClientRecord } from './client-record.js';
import { recordOf } from './clients.store.js';
import { clientTable } from './clients.tables.js';

const TABLE_MISSING = '42P01';

/** Also for a database of an older release, which has no such column. */
const removedKeys = sql<readonly string[]>`coalesce(to_jsonb(client) -> 'removed_keys', '[]')`;

/** Every client of a database that no service here has opened; none if an issuer has never started on it. */
export async function readClientRecords(connection: pg.ClientConfig): Promise<ReadonlyMap<string, ClientRecord>> {
  const pool = new pg.Pool({ ...connection, max: 1 });
  // It no longer matters if a connection is lost after its response.
  pool.on('error', () => undefined);
  try {
    const rows = await drizzle({ client: pool })
      .select({ ...getTableColumns(clientTable), removedKeys })
      .from(clientTable)
      .catch((error: unknown) => {
        if (sqlStateOf(error) === TABLE_MISSING) return [];
        throw error;
      });
    return new Map(rows.map((row) => [row.clientId, recordOf(row)]));
  } finally {
    await pool.end();
  }
}
