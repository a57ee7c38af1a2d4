import type pg from 'pg';
import { z } from 'zod';
import { type NumberedEvent } from './event-batch.js';
import { saltsSchema, type Salts } from './receipts.js';
import { withNumber } from './fast/event-number.js';

/** Of a row of kept events, as it is indexed. */
const lastIndex = '(first_index + (last_sequence - first_sequence))';

const keptEvents = `
  select position::text, first_sequence::text, first_index::text, events, coalesce(salts, '{}') as salts, known from audit_kept
  where first_index is not null and (${lastIndex}, position) > ($1, $2) order by ${lastIndex}, audit_kept.position limit 20`;

const highestKnown = `
  select ${lastIndex}::text as index, known from audit_kept
  where first_index is not null and known is not null order by ${lastIndex} desc, audit_kept.position desc limit 1`;

const HIGHEST_POSITION = 2n ** 63n - 1n;

/** Maximum batches of events that one statement deletes. */
const PORTION = 1_000;
const forgetKept = `delete from audit_kept where position in (
  select position from audit_kept where kept_at < now() - $1 * interval '1 hour' limit ${String(PORTION)})`;

/** Kept events, as they are sent again. */
export interface KeptEvents {
  readonly position: bigint;
  readonly firstIndex: bigint;
  /** In ascending order of sequence, without gaps. */
  readonly events: readonly NumberedEvent[];
  /** By sequence and path. */
  readonly salts: Salts;
  /** Proves to audit the place that they are part of; undefined for what was kept before audit sent that. */
  readonly known: string | undefined;
}

const keptRows = z.array(
  z.object({
    position: z.string(),
    first_sequence: z.string(),
    first_index: z.string(),
    events: z.string(),
    salts: saltsSchema,
    known: z.string().nullable(),
  }),
);
const knownRows = z.array(z.object({ index: z.string().transform(BigInt), known: z.string() }));

/** A log index that audit sent to this source, and what proves it to audit. */
export interface KnownIndex {
  readonly index: bigint;
  readonly known: string;
}

function numberedLines(events: string, first: bigint): readonly NumberedEvent[] {
  return events.split('\n').map((line, place) => {
    const sequence = first + BigInt(place);
    return { sequence, json: withNumber(Buffer.from(line), sequence) };
  });
}

/** Events that are in the log, with their places: audit asks for them when its database was restored from a backup. */
export class KeptEventsStore {
  /** @param keepHours hours for which an event is kept */
  constructor(
    private readonly client: Pick<pg.ClientBase, 'query'>,
    private readonly keepHours: number,
  ) {}

  /** The next kept events from a log index on, in the order of their last indices. @param after the last one already read */
  async from(fromIndex: bigint, after?: KeptEvents): Promise<readonly KeptEvents[]> {
    const place =
      after === undefined
        ? [fromIndex - 1n, HIGHEST_POSITION]
        : [after.firstIndex + BigInt(after.events.length) - 1n, after.position];
    const { rows } = await this.client.query(keptEvents, place);
    return keptRows.parse(rows).map(({ position, first_sequence, first_index, events, salts, known }) => ({
      position: BigInt(position),
      firstIndex: BigInt(first_index),
      salts,
      known: known ?? undefined,
      events: numberedLines(events, BigInt(first_sequence)),
    }));
  }

  /** Of the kept event with the highest log index. */
  async highestKnown(): Promise<KnownIndex | undefined> {
    const { rows } = await this.client.query(highestKnown);
    return knownRows.parse(rows)[0];
  }

  /** Deletes expired kept events in batches: one statement over a long period would exceed the statement timeout. */
  async forget(): Promise<void> {
    let rowCount: number | null;
    do ({ rowCount } = await this.client.query(forgetKept, [this.keepHours]));
    while (rowCount === PORTION);
  }
}
