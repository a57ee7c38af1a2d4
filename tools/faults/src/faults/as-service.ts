import { withDatabase } from '@countersign/backing-services';
import { type ServiceName, type Stack } from '@countersign/stack';
import type pg from 'pg';

/** Works in a service's own database, as that service. */
export function asService<Result>(
  { identities, postgres }: Stack,
  name: ServiceName,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const login = `${name}:${identities.databasePasswords[name]}`;
  return withDatabase(`postgres://${login}@127.0.0.1:${String(postgres.port)}/${name}`, work);
}
