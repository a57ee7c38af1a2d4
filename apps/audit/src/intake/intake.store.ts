import { messageOf } from '@countersign/auth-core';
import { Inject, Injectable, Optional } from '@nestjs/common';
import { type AuditOutbox, type Placement, type Receipt } from '@countersign/audit-client';
import { LeafError, SequenceRanges } from '@countersign/merkle-log';
import { inTransaction, AUDIT_OUTBOX, POOL, sqlStateOf } from '@countersign/service-host';
import type pg from 'pg';
import { z } from 'zod';
import { appendEvents, appendParameters, isDataFault } from '../log/append-events.store.js';
import { LogReach } from '../log/log-reach.js';
import { EVENT_MASKING, EventMasking } from '../masking/event-masking.js';
import { keepApart, type MaskedEvent } from '../masking/masked-values.store.js';
import { planOf, receiptsOf, refused, type BatchPlan } from './batch-plan.js';
import { keepLetters } from './kept-letters.store.js';
import { reasonOf, type Accepted, type Rejected } from './message-check.js';
import { placementsOf, type Placed, type Salts } from './placements.js';

const nextIndexRows = z.tuple([z.object({ next_index: z.string() })]);
const knownRows = z.array(z.object({ source: z.string(), known: z.string() }));
const standingRows = z.array(
  z.object({
    id: z.string(),
    log_index: z.string().transform(BigInt),
    salts: z.record(z.string(), z.string()).nullable(),
  }),
);
const progressRows = z.array(z.object({ source: z.string(), through: z.string() }));

const numberOf = ({ event }: Accepted): Pick<Placed, 'source' | 'sequence'> => ({
  source: event.source,
  sequence: BigInt(event.sequence),
});

function saltsOf({ values }: MaskedEvent): Salts {
  return Object.fromEntries(values.map(({ path, salt }) => [path, salt.toString('base64url')]));
}

/** A dead letter with its number. */
function unplaced({ source, sequence }: Rejected): readonly Placed[] {
  return source === null || sequence === null ? [] : [{ source, sequence: BigInt(sequence), index: null }];
}

const UNIQUE_VIOLATION = '23505';

function faultOf(error: unknown): string {
  if (error instanceof LeafError) return reasonOf(error);
  return `EVENT_INVALID: ${messageOf(error)}`;
}

/** The result of a batch. */
export interface Appended {
  /** The end of the gap-free range of each source in the batch. */
  readonly receipts: readonly Receipt[];
  /** The log indices of its events, including those that were already there. */
  readonly placements: readonly Placement[];
}

/** An event's log index, and the salts of its masked fields. */
interface Standing {
  readonly index: bigint;
  readonly salts: Salts | undefined;
}

interface Planned extends BatchPlan {
  /** Redelivered: already in the log. */
  readonly standing: readonly Placed[];
}

/** Appends batches: each event once, at the next log index. Replicas take turns by the row lock on `log_sequence`. */
@Injectable()
export class IntakeStore {
  constructor(
    @Inject(POOL) private readonly pool: pg.Pool,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Optional() @Inject(EVENT_MASKING) private readonly masking: EventMasking = new EventMasking([]),
    @Optional() @Inject(LogReach) private readonly reach: LogReach = new LogReach(),
  ) {}

  /**
   * Commits a batch: events to the log, the rest to the dead letters.
   * @returns the receipts and placements for its sources
   * @throws {LogWentBack}
   */
  async append(batch: readonly (Accepted | Rejected)[]): Promise<Appended> {
    try {
      return await this.#inTransaction(batch, false);
    } catch (error) {
      // An id of the batch is in the log with another number. That is rare, so each id is only looked up now.
      if (sqlStateOf(error) === UNIQUE_VIOLATION) return this.#inTransaction(batch, true);
      if (isDataFault(error) || error instanceof LeafError) return this.#oneByOne(batch, error);
      throw error;
    }
  }

  /** An event that the database cannot store, or that is too large once masked, must not hold up the others: only that event becomes a dead letter. */
  async #oneByOne(batch: readonly (Accepted | Rejected)[], fault: unknown): Promise<Appended> {
    const [first, ...others] = batch;
    if (first !== undefined && others.length === 0) {
      if (first.kind === 'dead-letter') throw fault;
      return this.#inTransaction([refused(first, faultOf(fault), true)], false);
    }
    const receipts = new Map<string, Receipt>();
    const placements: Placement[] = [];
    for (const item of batch) {
      const appended = await this.append([item]);
      for (const receipt of appended.receipts) receipts.set(receipt.source, receipt);
      placements.push(...appended.placements);
    }
    return { receipts: [...receipts.values()], placements };
  }

  /** The progress of every known source, for the receipts that are repeated on a timer. */
  async progress(): Promise<readonly Receipt[]> {
    const { rows } = await this.pool.query('select source, through::text from source_progress');
    return progressRows.parse(rows);
  }

  async #inTransaction(batch: readonly (Accepted | Rejected)[], lookUpIds: boolean): Promise<Appended> {
    const { end, ...appended } = await inTransaction(this.pool, async (client) => {
      // The holder of this lock sees everything that others committed before, and assigns the next indices.
      const head = await client.query('select next_index::text from log_sequence for update');
      const [{ next_index: nextIndex }] = nextIndexRows.parse(head.rows);
      this.reach.check(BigInt(nextIndex));
      const plan = await this.#plan(client, batch, lookUpIds);
      const placed = await this.#write(client, plan, nextIndex);
      const numbered = batch.filter((item) => item.kind === 'dead-letter');
      const unnumbered = [...plan.letters, ...numbered].flatMap(unplaced);
      return {
        receipts: receiptsOf(plan.marks),
        placements: placementsOf([...placed, ...plan.standing, ...unnumbered]),
        end: BigInt(nextIndex) + BigInt(placed.length),
      };
    });
    this.reach.saw(end);
    return appended;
  }

  async #plan(client: pg.PoolClient, batch: readonly (Accepted | Rejected)[], lookUpIds: boolean): Promise<Planned> {
    const sources = new Set(
      batch
        .map((item) => (item.kind === 'event' ? item.event.source : item.source))
        .filter((source) => source !== null),
    );
    const { rows } = await client.query(
      'select source, known::text from source_progress where source = any($1::text[])',
      [[...sources]],
    );
    const known = new Map(
      knownRows.parse(rows).map(({ source, known: ranges }) => [source, SequenceRanges.parse(ranges)] as const),
    );
    const plan = planOf(batch, known);
    const doubtful = lookUpIds ? [...plan.repeated, ...plan.events] : plan.repeated;
    if (doubtful.length === 0) return { ...plan, standing: [] };
    const seen = await this.#standingOf(client, doubtful);
    const standing: Placed[] = [];
    const ofThisBatch = new Set<string>();
    const letters = [...plan.letters];
    const fresh = plan.events.filter((item) => {
      const again = ofThisBatch.has(item.event.id) || (lookUpIds && seen.has(item.event.id));
      ofThisBatch.add(item.event.id);
      if (again) letters.push(refused(item, 'EVENT_ID_REPEATED', true));
      return !again;
    });
    for (const item of plan.repeated) {
      const known = seen.get(item.event.id);
      if (known !== undefined) standing.push({ ...known, ...numberOf(item) });
      else if (!ofThisBatch.has(item.event.id)) letters.push(refused(item, 'SEQUENCE_REUSED', false));
    }
    return { ...plan, events: fresh, letters, standing };
  }

  /** Those in the log, by id. */
  async #standingOf(client: pg.PoolClient, items: readonly Accepted[]): Promise<ReadonlyMap<string, Standing>> {
    const { rows } = await client.query(
      `select id, log_index::text, (
         select jsonb_object_agg(path, rtrim(translate(encode(salt, 'base64'), '+/', '-_'), '=')) from masked_value where event_id = id) as salts
       from event where id = any($1::uuid[])`,
      [items.map(({ event }) => event.id)],
    );
    return new Map(
      standingRows.parse(rows).map(({ id, log_index: index, salts }) => [id, { index, salts: salts ?? undefined }]),
    );
  }

  /** @returns the events' log indices */
  async #write(
    client: pg.PoolClient,
    { events: taken, letters, marks }: BatchPlan,
    nextIndex: string,
  ): Promise<readonly Placed[]> {
    let placed: readonly Placed[] = [];
    if (taken.length > 0 || marks.length > 0) {
      const { leaves, apart } = this.masking.apply(taken);
      await client.query({ ...appendEvents, values: [...appendParameters(nextIndex, leaves, marks)] });
      await keepApart(client, apart);
      const salts = new Map(apart.map((event) => [event.eventId, saltsOf(event)]));
      placed = taken.map((item, at) => ({
        ...numberOf(item),
        index: BigInt(nextIndex) + BigInt(at),
        salts: salts.get(item.event.id),
      }));
    }
    if (letters.length === 0) return placed;
    await keepLetters(client, letters, this.masking, this.outbox);
    return placed;
  }
}
