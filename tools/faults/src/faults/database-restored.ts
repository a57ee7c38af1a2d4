import { setTimeout as delay } from 'node:timers/promises';
import { withDatabase } from '@countersign/backing-services';
import { type ServiceName, type Stack } from '@countersign/stack';

const copyOf = (name: ServiceName): string => `${name}_copy`;

/** Runs statements in the server's own database. */
export async function asSuperuser({ identities, postgres }: Stack, ...statements: readonly string[]): Promise<void> {
  const login = `postgres:${encodeURIComponent(identities.superuserPassword)}`;
  await withDatabase(`postgres://${login}@127.0.0.1:${String(postgres.port)}/postgres`, async (client) => {
    for (const statement of statements) await client.query(statement);
  });
}

/**
 * Keeps a copy of a service's database, its sequences and rights included. The service rests for that moment, because PostgreSQL copies
 * only a database that nobody is connected to (the package that brings the server has no pg_dump).
 */
export async function backUp(stack: Stack, name: ServiceName): Promise<void> {
  await stack.stopService(name);
  await asSuperuser(
    stack,
    `drop database if exists ${copyOf(name)}`,
    `create database ${copyOf(name)} template ${name} owner ${name}_owner`,
  );
  await stack.startService(name);
}

/** Replaces the database with the copy, as `npm start` would find it, while the service is stopped. */
export async function restore(stack: Stack, name: ServiceName): Promise<void> {
  const { identities, postgres } = stack;
  await asSuperuser(stack, `drop database ${name} with (force)`, `alter database ${copyOf(name)} rename to ${name}`);
  await postgres.createGuardedDatabase(name, {
    service: identities.databasePasswords[name],
    migrator: identities.migratorPasswords[name],
  });
}

/** @returns whether it held within the limit, asked every 100 ms */
export async function heldWithin(limitMs: number, holds: () => Promise<boolean>): Promise<boolean> {
  for (const deadline = Date.now() + limitMs; !(await holds()); await delay(100))
    if (Date.now() > deadline) return false;
  return true;
}
