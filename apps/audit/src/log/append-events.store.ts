import { type Leaf, type SequenceRanges } from '@countersign/merkle-log';
import { sqlStateOf } from '@countersign/service-host';

/** The class of PostgreSQL errors for data that it cannot store (such as a year out of range). */
const DATA_FAULT = '22';

/** Whether the database cannot store an event, no matter how often it is retried. */
export function isDataFault(error: unknown): boolean {
  return sqlStateOf(error).startsWith(DATA_FAULT);
}

/** One source's progress, once the events are stored. */
export interface SourceMark {
  readonly source: string;
  readonly known: SequenceRanges;
}

/** One statement for everything: the events with their log indices, their leaf hashes for the integration, and the progress of their sources. */
export const appendEvents = {
  name: 'append-events',
  text: `
    with hashes as (
      insert into log_unintegrated (first_index, leaf_hashes) select $1::bigint, $3::bytea where length($3::bytea) > 0
    ), head as (
      update log_sequence set next_index = $1::bigint + length($3::bytea) / 32
    ), marks as (
      insert into source_progress (source, through, known, gap_since)
      select source, through, known, case when through + 1 < upper(known) then now() end
      from unnest($4::text[], $5::bigint[], $6::int8multirange[]) as mark (source, through, known)
      on conflict (source) do update set through = excluded.through, known = excluded.known, advanced_at = now(),
        gap_since = case when excluded.gap_since is null then null
                         when source_progress.through = excluded.through then coalesce(source_progress.gap_since, now())
                         else now() end
    )
    insert into event (log_index, id, source, sequence, type, time, resource, action, outcome, subject, client_id, actors, txn, trace_id, event, received_at)
    select $1::bigint + n - 1, (e->>'id')::uuid, e->>'source', (e->>'sequence')::bigint, e->>'type', (e->>'time')::timestamptz,
      e#>>'{data,resource}', e#>>'{data,action}', e#>>'{data,outcome}', e#>>'{data,principal,subject}', e#>>'{data,principal,client_id}',
      array(select jsonb_array_elements_text(e#>'{data,principal,actors}')), e#>>'{data,txn}',
      split_part(e->>'traceparent', '-', 2), e, now()
    from jsonb_array_elements($2::jsonb) with ordinality as item (e, n)`,
};

/** @param nextIndex the log index of the first of them */
export function appendParameters(
  nextIndex: string,
  leaves: readonly Leaf[],
  marks: readonly SourceMark[],
): readonly unknown[] {
  return [
    nextIndex,
    `[${leaves.map(({ json }) => json).join(',')}]`,
    Buffer.concat(leaves.map(({ hash }) => hash)),
    marks.map(({ source }) => source),
    marks.map(({ known }) => known.through.toString()),
    marks.map(({ known }) => known.toString()),
  ];
}
