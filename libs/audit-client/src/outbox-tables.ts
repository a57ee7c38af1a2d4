/** PostgreSQL's codes for a table and for a column that is not there. */
const ABSENT = new Set(['42P01', '42703']);

/** Why a statement of the outbox failed, in words for an operator. */
export function outboxReasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const isAbsent = 'code' in error && typeof error.code === 'string' && ABSENT.has(error.code);
  return isAbsent
    ? `${error.message}: the outbox has the tables of another version; run outbox.sql of @countersign/audit-client, or its migrations, again`
    : error.message;
}
