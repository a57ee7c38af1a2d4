import pg from 'pg';

/** Losing an idle connection is harmless: the next query fails by itself, but without a listener the whole process would end. */
const survived = (): undefined => undefined;

/** Connects to a database. @param database its URL, or the connection settings */
export async function openDatabase(database: string | pg.ClientConfig): Promise<pg.Client> {
  const client = new pg.Client(typeof database === 'string' ? { connectionString: database } : database);
  client.on('error', survived);
  await client.connect();
  return client;
}

/** Connects to a database for one piece of work. @returns its result, once the connection is closed */
export async function withDatabase<Result>(
  database: string | pg.ClientConfig,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = await openDatabase(database);
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Several connections to a database. @param max connections at once */
export function openPool(url: string, max: number): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, max });
  pool.on('error', survived);
  return pool;
}
