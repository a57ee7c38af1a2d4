import { AuditEventError } from '@countersign/audit-event';
import { reasonOf } from '@countersign/auth-core';

/** Faults of a service's own database: unreachable or overloaded, slower than the statement timeout, or closed to this service. */
export type DatabaseFault = 'away' | 'timeout' | 'refused';

/** PostgreSQL ended one of two transactions that waited for each other: a retry succeeds. */
export const DEADLOCK = '40P01';
/**
 * No connection, or a lost one: of the system; of PostgreSQL the classes 08 (connection), 53 (resources) and 57P (shutting down, starting),
 * a database that does not exist yet, and a read-only one, because another server has taken its place or is about to. Also a deadlock.
 */
const awayPattern =
  /^(ECONNREFUSED|ECONNRESET|ECONNABORTED|EPIPE|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|E(?:HOST|NET)(?:UNREACH|DOWN)|08...|53...|57P0[1-5]|3D000|25006|40P01)$/;
/** The driver's messages that have no code. */
const lostPattern =
  /^connect E|^Connection terminated|^timeout (exceeded when trying to connect|expired)|^Client has encountered a connection error/;
/** PostgreSQL cancelled the statement: it exceeded its timeout. */
const CANCELLED = '57014';

/** A wrong password or role (class 28), or no right to connect to the database. */
const refusedPattern = /^28...$/;
const NO_CONNECT = /^permission denied for database/;

/** Maximum causes that are examined, because they may form a cycle. */
const CAUSES_LIMIT = 8;

/** An error and its causes, outermost first. */
export function causesOf(error: unknown): readonly Error[] {
  const causes: Error[] = [];
  for (let one = error; one instanceof Error && causes.length < CAUSES_LIMIT; one = one.cause) causes.push(one);
  return causes;
}

/** @returns undefined for any other failure: a wrong statement remains a fault of the service */
export function databaseFaultOf(error: unknown): DatabaseFault | undefined {
  if (error instanceof AuditEventError) return error.code === 'OUTBOX_FULL' ? 'away' : undefined;
  for (const cause of causesOf(error)) {
    const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
    if (code === CANCELLED) return 'timeout';
    if (refusedPattern.test(code) || NO_CONNECT.test(cause.message)) return 'refused';
    if (awayPattern.test(code) || lostPattern.test(cause.message)) return 'away';
  }
  return undefined;
}

/** What PostgreSQL said, or the system: of an error and its causes the innermost. */
const innermostOf = (error: unknown): unknown => causesOf(error).at(-1) ?? error;

/** PostgreSQL's code for what failed (SQLSTATE), or the system's. @returns empty for an error without one */
export function sqlStateOf(error: unknown): string {
  const inner = innermostOf(error);
  return inner instanceof Error && 'code' in inner && typeof inner.code === 'string' ? inner.code : '';
}

/** Why, in PostgreSQL's or the system's own words. */
export function databaseReasonOf(error: unknown): { readonly reason: string; readonly code: string | undefined } {
  const code = sqlStateOf(error);
  return { reason: reasonOf(innermostOf(error)), code: code === '' ? undefined : code };
}
