import type pg from 'pg';

/** Maximum rows that one statement deletes: few enough to be done within `statement_timeout` on any machine. */
const PORTION = 10_000;

/**
 * Deletes rows, at most 10,000 per statement: a single statement over a large backlog would exceed the time limit, be rolled back, and fail again
 * each time. Replicas may do this concurrently: rows that another transaction holds are skipped.
 * @param table the table's name; it is put into the statement unchanged, so it must not come from outside
 * @param condition SQL, with `$1` and so on for the values; also put into the statement unchanged
 * @param signal ends it between two statements
 * @returns how many rows it deleted
 * @throws the database's error; rows deleted before that stay deleted
 */
export async function deleteInPortions(
  pool: Pick<pg.Pool, 'query'>,
  table: string,
  condition: string,
  values: readonly unknown[],
  signal?: AbortSignal,
): Promise<number> {
  for (let deleted = 0; ;) {
    const { rowCount } = await pool.query(
      `delete from ${table} where ctid = any(array(
         select ctid from ${table} where ${condition} limit ${String(PORTION)} for update skip locked))`,
      [...values],
    );
    deleted += rowCount ?? 0;
    if ((rowCount ?? 0) < PORTION || signal?.aborted === true) return deleted;
  }
}
