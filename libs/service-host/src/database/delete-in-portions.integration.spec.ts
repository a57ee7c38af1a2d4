import { startDatabases, type Databases } from '@countersign/backing-services';
import pg from 'pg';
import { deleteInPortions } from './delete-in-portions.js';

describe('deleting in batches', () => {
  const databases: Databases = startDatabases();
  let pool: pg.Pool;
  const left = async (): Promise<unknown> =>
    (await pool.query('select count(*)::int as count, min(due) as first from old')).rows[0];

  beforeAll(async () => {
    pool = new pg.Pool({ connectionString: await databases.database('portions'), max: 4 });
    // The database goes while a connection that was ended may still be there.
    pool.on('error', () => undefined);
    await pool.query('create table old (due int not null)');
  }, 60_000);
  beforeEach(async () => {
    await pool.query('truncate old');
    await pool.query('insert into old select generate_series(1, 25000)');
  });
  afterAll(async () => {
    await pool.end();
    await databases.stop();
  }, 60_000);

  it('deletes exactly the selected rows, at most 10,000 per statement', async () => {
    const counts: (number | null)[] = [];
    const counting = new Proxy(pool, {
      get: (target, name) =>
        name === 'query'
          ? async (text: string, values: unknown[]) => {
              const result = await target.query(text, values);
              counts.push(result.rowCount);
              return result;
            }
          : Reflect.get(target, name),
    });
    expect(await deleteInPortions(counting, 'old', 'due <= $1', [24_000])).toBe(24_000);
    expect(counts).toEqual([10_000, 10_000, 4_000]);
    expect(await left()).toEqual({ count: 1_000, first: 24_001 });
  });

  it('deletes each row once where replicas do it at the same time', async () => {
    const each = await Promise.all([1, 2, 3].map(() => deleteInPortions(pool, 'old', 'due <= $1', [24_000])));
    expect(each.reduce((sum, count) => sum + count, 0)).toBe(24_000);
    expect(await left()).toEqual({ count: 1_000, first: 24_001 });
  });

  it('ends between two statements when its service stops', async () => {
    expect(await deleteInPortions(pool, 'old', 'true', [], AbortSignal.abort())).toBe(10_000);
    expect(await left()).toMatchObject({ count: 15_000 });
  });
});
