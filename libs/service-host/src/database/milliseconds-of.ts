/**
 * SQL for a `timestamptz` as milliseconds since 1970, a number. For reads on every request: the driver parses a number in a
 * fraction of the time that a timestamp's text takes.
 * @param column as in the statement
 */
export function millisecondsOf(column: string): string {
  return `round(date_part('epoch', ${column}) * 1000)`;
}

/** The time of such a number; undefined for null. */
export function timeOfMilliseconds(milliseconds: number | null): Date | undefined {
  return milliseconds === null ? undefined : new Date(milliseconds);
}
