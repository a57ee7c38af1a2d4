import { type Reach } from '@countersign/auth-core';
import { eq, sql, type SQL } from 'drizzle-orm';
import { type AnyPgColumn } from 'drizzle-orm/pg-core';

/** Where a table keeps whose its rows are. */
export interface OwnerColumns {
  readonly subject: AnyPgColumn;
  readonly clientId: AnyPgColumn;
}

/** The condition that a row is within a caller's reach: `isWithin` of auth-core, in SQL. */
export function withinReach(columns: OwnerColumns, { subject, clientId }: Reach): SQL {
  const own = eq(columns.subject, subject);
  return clientId === undefined ? own : sql`(${own} or ${eq(columns.clientId, clientId)})`;
}
