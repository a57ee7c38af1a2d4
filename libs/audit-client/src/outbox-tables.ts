import { reasonOf } from '@countersign/auth-core';

/** PostgreSQL's codes for a table and for a column that is not there. */
const ABSENT = new Set(['42P01', '42703']);

/** Why a statement of the outbox failed, in words for an operator. */
export function outboxReasonOf(error: unknown): string {
  const reason = reasonOf(error);
  const isAbsent = error instanceof Error && 'code' in error && ABSENT.has(String(error.code));
  return isAbsent
    ? `${reason}: the outbox tables are from another version; run outbox.sql of @countersign/audit-client, or its migrations, again`
    : reason;
}
