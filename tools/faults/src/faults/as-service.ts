import { type ServiceName, type Stack } from '@countersign/stack';
import pg from 'pg';

/** Works in a service's own database, as that service. */
export async function asService<Result>(
  { identities, postgres }: Stack,
  name: ServiceName,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const login = `${name}:${identities.databasePasswords[name]}`;
  const client = new pg.Client({ connectionString: `postgres://${login}@127.0.0.1:${String(postgres.port)}/${name}` });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
