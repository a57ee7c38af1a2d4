import type pg from 'pg';

/**
 * Does work in one transaction: commits it, or rolls it back if it throws. A connection that cannot even roll back is discarded.
 * @param keeps whether this result is committed; by default all are
 */
export async function inTransaction<Result>(
  pool: pg.Pool,
  work: (client: pg.PoolClient) => Promise<Result>,
  keeps: (result: Result) => boolean = () => true,
): Promise<Result> {
  const client = await pool.connect();
  let broken = false;
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query(keeps(result) ? 'commit' : 'rollback');
    return result;
  } catch (error) {
    await client.query('rollback').catch(() => (broken = true));
    throw error;
  } finally {
    client.release(broken);
  }
}
