import { type Decided } from './decided.js';

/** JSON contains no control characters: this one separates the events of different decisions. */
const SEPARATOR = '\x1e';

/** The events of a group as one value, in its order: as text they pass PostgreSQL without being parsed. */
export function eventsOf(group: readonly Pick<Decided, 'event'>[]): string {
  return group.map(({ event }) => event).join(SEPARATOR);
}

/**
 * Part of a statement: records the events of the decisions whose places `n` are in `good`, as one row of the outbox.
 * @param parameter of the value of {@link eventsOf}
 * @param each how many events each decision has, one per line
 */
export const recordGroup = (parameter: string, each = 1): string => `
  insert into audit_outbox_group (events, count)
  select string_agg(e.event, E'\n' order by good.n), ${String(each)} * count(*)
  from good join string_to_table(${parameter}, E'\\x1e') with ordinality as e (event, place) on e.place = good.n + 1
  having count(*) > 0`;
