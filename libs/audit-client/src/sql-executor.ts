import { sql, type SQL } from 'drizzle-orm';

/** A drizzle transaction or database. */
export interface DrizzleExecutor {
  execute(query: SQL): PromiseLike<unknown>;
}

/** A client of pg in a transaction, or TypeORM's `EntityManager` or `QueryRunner`. */
export interface QueryExecutor {
  query(text: string, values: unknown[]): PromiseLike<unknown>;
}

/** The client that Prisma's `$transaction(async (transaction) => …)` gives. */
export interface PrismaExecutor {
  $executeRawUnsafe(text: string, ...values: unknown[]): PromiseLike<unknown>;
}

/** The transaction of a change, as the service's database library represents it. */
export type SqlExecutor = DrizzleExecutor | QueryExecutor | PrismaExecutor;

/** A statement with its values instead of `$1`, `$2`, …, as drizzle takes one. */
function drizzleQuery(text: string, values: readonly unknown[]): SQL {
  const parts = text
    .split(/\$(\d+)/)
    .map((part, index) => (index % 2 === 0 ? sql.raw(part) : sql`${values[Number(part) - 1]}`));
  return sql.join(parts);
}

/** Runs one statement in the caller's transaction. */
export async function execute(executor: SqlExecutor, text: string, values: readonly unknown[]): Promise<void> {
  // Drizzle has a `query` too, for relations.
  if ('$executeRawUnsafe' in executor) await executor.$executeRawUnsafe(text, ...values);
  else if ('execute' in executor) await executor.execute(drizzleQuery(text, values));
  else await executor.query(text, [...values]);
}
