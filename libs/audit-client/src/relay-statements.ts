import { EVENTS_IN_A_GROUP, OUTBOX_COUNT_LIMIT } from './outbox.store.js';

/** Maximum events that one poll of the outbox takes; a group is taken whole. */
export const ROUND = 512;

/** By first and last number, and milliseconds since they were published. */
const markAs = (table: string): string => `
  update ${table} set published_at = now() - batch.age * interval '1 millisecond'
  from unnest($1::bigint[], $2::bigint[], $3::float8[]) as batch (first, last, age) where sequence between batch.first and batch.last`;

/** What was published is noted by whole groups, so a group's first number decides. */
export const markPublished = {
  name: 'relay-mark',
  text: `with marked as (${markAs('audit_outbox_group')}) ${markAs('audit_outbox')}`,
};

/** Marked as published, or noted: `parameter` is a multirange of numbers. */
const isPublished = (parameter: string): string =>
  `(published_at is not null or sequence <@ ${parameter}::int8multirange)`;
const isPublishedGroup = (parameter: string): string =>
  `(published_at is not null or int8range(sequence, sequence + count) <@ ${parameter}::int8multirange)`;

/**
 * Runs of events, each by its first number and how many there are, and their lines: PostgreSQL's JSON contains no line break, and one row costs the
 * client less than hundreds. They are passed on as bytes, and without their numbers, because writing these into the lines costs less there.
 */
const lines = `
  string_agg(sequence || ':' || count, ',' order by sequence) as runs,
  string_agg(events, E'\n' order by sequence) as events`;

/**
 * Marks what was published a while ago, numbers the events that have no number yet, without gaps, and reads these; one statement, so all of it or
 * nothing. Rows of a transaction are as old as it, and their positions are in its order.
 */
export const numberEvents = {
  name: 'relay-number',
  text: `
    with marked as (
      ${markAs('audit_outbox')}
    ), marked_group as (
      ${markAs('audit_outbox_group')}
    ), unnumbered as (
      (select position, 1 as count, created_at, false as of_group from audit_outbox
        where sequence is null order by position limit ${String(ROUND)})
      union all
      (select position, count, created_at, true from audit_outbox_group
        where sequence is null order by position limit ${String(ROUND)})
    ), next as materialized (
      select * from (
        select position, of_group, count, sum(count) over (order by created_at, of_group, position) as through from unnumbered
      ) as queue where through - count < ${String(ROUND)}
    ), counter as (
      insert into audit_sequence (source, last) select $4, max(through) from next having count(*) > 0
      on conflict (source) do update set last = audit_sequence.last + excluded.last
      returning last - (select max(through) from next) as before
    ), numbered as (
      update audit_outbox o set sequence = counter.before + next.through
      from next, counter where not next.of_group and o.position = next.position
      returning o.sequence, o.event
    ), numbered_group as (
      update audit_outbox_group g set sequence = counter.before + next.through - next.count + 1
      from next, counter where next.of_group and g.position = next.position
      returning g.sequence, g.count, g.events
    )
    select ${lines} from (
      select sequence, 1 as count, event::text as events from numbered
      union all select sequence, count, events from numbered_group
    ) as numbered`,
};

/** Whether events wait for a number, and whether any wait at all: a tenth of what `numberEvents` costs, for the checks that find nothing. */
export const waitingEvents = {
  name: 'relay-waiting',
  text: `
    select exists (select from audit_outbox where sequence is null)
        or exists (select from audit_outbox_group where sequence is null) as unnumbered,
      exists (select from audit_outbox) or exists (select from audit_outbox_group) as any`,
};

/** Numbered events to be published again: after so many milliseconds ($1), or ($3) if a receipt ($2) says that only the place is missing. */
const dueOf = (table: string, columns: string, isNoted: string): string => `
  (select sequence, ${columns} from ${table}
    where sequence is not null and not ${isNoted}
      and (published_at is null or published_at < now() - $1 * interval '1 millisecond'
        or (sequence <= $2 and published_at < now() - $3 * interval '1 millisecond'))
    order by sequence limit ${String(ROUND)})`;

export const dueEvents = {
  name: 'relay-due',
  text: `
    select ${lines} from (
      select *, sum(count) over (order by sequence) - count as before from (
        ${dueOf('audit_outbox', '1 as count, event::text as events', 'sequence <@ $4::int8multirange')}
        union all
        ${dueOf('audit_outbox_group', 'count, events', 'int8range(sequence, sequence + count) <@ $4::int8multirange')}
      ) as waiting
    ) as due where before < ${String(ROUND)}`,
};

/**
 * A receipt beyond the last assigned number means that the counter is older than the numbers that audit has seen (the database was restored from a
 * backup). Events numbered below it are renumbered, above every number that audit knows.
 */
export const renumberEvents = `
  with ahead as (
    insert into audit_sequence (source, last) values ($1, $2)
    on conflict (source) do update set last = excluded.last where audit_sequence.last < excluded.last
    returning source
  ), again as (
    update audit_outbox set sequence = null, published_at = null where sequence is not null and exists (select from ahead)
  ), group_again as (
    update audit_outbox_group set sequence = null, published_at = null where sequence is not null and exists (select from ahead)
  )
  select exists (select from ahead) as renumbered`;

/**
 * Removes what is in the log, and stores it, one row for each unbroken run of events; stores nothing when events are not to be kept ($5). A place may
 * cover a part of a group: the rest becomes separate groups of the same age. Only what was published can be in the log.
 */
export const placeEvents = {
  name: 'relay-place',
  text: `
    with place as (
      select * from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::jsonb[], $8::text[]) as place (first, last, index, salts, known)
    ), row_gone as (
      delete from audit_outbox using place
      where sequence between first and last and ${isPublished('$6')} and created_at <= now() - $7 * interval '1 millisecond'
      returning sequence, event, index + sequence - first as log_index, salts, known, first
    ), group_gone as (
      delete from audit_outbox_group using place
      where sequence > first - ${String(EVENTS_IN_A_GROUP)} and sequence <= last and sequence + count > first
        and ${isPublishedGroup('$6')} and created_at <= now() - $7 * interval '1 millisecond'
      returning position, sequence, count, events, published_at, created_at, index + sequence - first as log_index, salts, known, first,
        sequence >= first and sequence + count - 1 <= last as is_whole
    ), line as materialized (
      select g.position, g.sequence + number - 1 as sequence, line, g.published_at, g.created_at, p.*
      from group_gone g cross join lateral string_to_table(g.events, E'\n') with ordinality as line (line, number)
        left join lateral (
          select index + g.sequence + number - 1 - first as log_index, salts, known, first from place
          where g.sequence + number - 1 between first and last limit 1
        ) as p on true
      where not g.is_whole
    ), rest as (
      insert into audit_outbox_group (events, count, sequence, published_at, created_at)
      select string_agg(line, E'\n' order by sequence), count(*), min(sequence), published_at, created_at
      from (select *, sequence - row_number() over (partition by position order by sequence) as run from line where first is null) as line
      group by position, run, published_at, created_at order by min(sequence)
    ), gone as (
      select sequence, 1 as count, event::text as events, log_index, salts, known, first from row_gone
      union all select sequence, count, events, log_index, salts, known, first from group_gone where is_whole
      union all select sequence, 1, line, log_index, salts, known, first from line where first is not null
    )
    insert into audit_kept (first_sequence, last_sequence, first_index, events, salts, known)
    select min(sequence), max(sequence + count - 1), min(log_index), string_agg(events, E'\n' order by sequence), salts, known
    from (select *, sequence + count - sum(count) over (partition by first order by sequence) as run from gone) as gone
    where $5 group by first, run, salts, known`,
};

export const countWaiting = `
  select (select count(*) from (select 1 from audit_outbox limit ${String(OUTBOX_COUNT_LIMIT)}) as waiting)
    + (select coalesce(sum(count), 0) from (select count from audit_outbox_group limit ${String(OUTBOX_COUNT_LIMIT)}) as waiting) as count`;
