import { getTableColumns, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import pg from 'pg';
import { readClientsFile } from './clients-file.js';
import { recordOf } from './clients.store.js';
import { clientTable } from './clients.tables.js';
import { type ClientRecord } from './client-record.js';
import { describeChange, differenceTo } from './declaration.js';

const TABLE_MISSING = '42P01';

function isTableMissing(error: unknown): boolean {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && cause.code === TABLE_MISSING) return true;
  }
  return false;
}

/** Also of a database that an older release made, which has no such column. */
const removedKeys = sql<readonly string[]>`coalesce(to_jsonb(client) -> 'removed_keys', '[]')`;

/**
 * What a start of the issuer would do to the clients in the database; it changes nothing.
 * @returns one or more lines for each client, in words
 */
export async function declaredDifference(connection: pg.ClientConfig, clientsFile: string, now: Date): Promise<string> {
  const wanted = await readClientsFile(clientsFile);
  const pool = new pg.Pool({ ...connection, max: 1 });
  try {
    const rows = await drizzle({ client: pool })
      .select({ ...getTableColumns(clientTable), removedKeys })
      .from(clientTable)
      .catch((error: unknown) => {
        if (isTableMissing(error)) return [];
        throw error;
      });
    const existing = new Map<string, ClientRecord>(rows.map((row) => [row.clientId, recordOf(row)]));
    const changes = differenceTo(wanted, existing, now);
    if (changes.length === 0) return 'The declared clients are as they are in the database.';
    return changes.map(describeChange).join('\n');
  } finally {
    await pool.end();
  }
}
