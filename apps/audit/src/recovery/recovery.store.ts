import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { type EventContext } from '@countersign/audit-event';
import { edgeOf, GrowingTree, leafOf, SequenceRanges, type Checkpoint, type Leaf } from '@countersign/merkle-log';
import { inTransaction, AUDIT_OUTBOX, limitStatements, POOL } from '@countersign/service-host';
import { drizzle } from 'drizzle-orm/node-postgres';
import type pg from 'pg';
import { z } from 'zod';
import { events as catalogue } from '../events.js';
import { appendEvents, appendParameters } from '../log/append-events.store.js';
import { LogStore } from '../log/log.store.js';
import { maskAgain } from '../masking/masking.js';
import { keepApart } from '../masking/masked-values.store.js';
import { lostEntries } from './lost-entries.js';
import {
  claimedPlaces,
  readByIndexes,
  recoveryStateOf,
  stageEvents,
  standingEvents,
  type RecoveryState,
} from './recovered-events.store.js';
import { highestNumber, RecoveryPlan, type IndexSpan, type RecoveredEvent } from './recovered-log.js';

const CHUNK = 500;
const bigintText = z.string().transform(BigInt);
const nextRows = z.tuple([z.object({ next_index: bigintText })]);
const sourceRows = z.array(z.object({ source: z.string() }));
const knownRows = z.array(z.object({ source: z.string(), known: z.string() }));
const leafRows = z.array(z.object({ leaf_hashes: z.instanceof(Buffer) }));
const lastRows = z.tuple([z.object({ last: bigintText })]);

export interface RecoveryOrder {
  /** The index after the last one that the log had. */
  readonly end: bigint;
  /** The newest checkpoint that is known to have been signed. */
  readonly checkpoint: Checkpoint | undefined;
  /** Continue although something is missing, and record that in the log. */
  readonly acceptLoss: boolean;
  /** Who orders it. */
  readonly context: EventContext;
}

export type RecoveryResult =
  | {
      readonly kind: 'recovered';
      readonly recovered: number;
      readonly lost: readonly IndexSpan[];
      readonly verified: boolean;
    }
  | { readonly kind: 'missing'; readonly missing: readonly IndexSpan[] }
  | { readonly kind: 'contested'; readonly contested: readonly IndexSpan[] }
  | { readonly kind: 'mismatch' };

/** Merges two sequences in the log's order, without holding them. */
async function* inOrder(
  events: AsyncGenerator<RecoveredEvent>,
  entries: Generator<RecoveredEvent>,
): AsyncGenerator<RecoveredEvent> {
  let entry = entries.next();
  for await (const event of events) {
    for (; entry.done !== true && entry.value.index < event.index; entry = entries.next()) yield entry.value;
    yield event;
  }
  for (; entry.done !== true; entry = entries.next()) yield entry.value;
}

async function* chunksOf(all: AsyncGenerator<RecoveredEvent>): AsyncGenerator<readonly RecoveredEvent[]> {
  let chunk: RecoveredEvent[] = [];
  for await (const one of all) {
    chunk.push(one);
    if (chunk.length < CHUNK) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

/** Recovers what a restored log has lost, under the original log indices. */
@Injectable()
export class RecoveryStore {
  constructor(
    @Inject(POOL) private readonly pool: pg.Pool,
    @Inject(LogStore) private readonly log: LogStore,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
  ) {}

  async nextIndex(): Promise<bigint> {
    const { rows } = await this.pool.query('select next_index::text from log_sequence');
    return nextRows.parse(rows)[0].next_index;
  }

  /** The sources with events in the log. */
  async sources(): Promise<readonly string[]> {
    const { rows } = await this.pool.query('select source from source_progress');
    return sourceRows.parse(rows).map(({ source }) => source);
  }

  /**
   * Stores recovered events until they are in the log again.
   * @param events with different log indices
   * @returns whether the database can store them: one that it cannot hold would fail the whole recovery
   */
  stage(events: readonly RecoveredEvent[], isProven: (event: RecoveredEvent) => boolean): Promise<boolean> {
    return stageEvents(this.pool, events, isProven);
  }

  /** @param end the index after the last one that the log had */
  state(end: bigint): Promise<RecoveryState> {
    return recoveryStateOf(this.pool, end);
  }

  /**
   * Appends every recovered event under its original index, in one transaction; a separate entry declares each lost one, if that is accepted.
   */
  recover(order: RecoveryOrder): Promise<RecoveryResult> {
    const work = (client: pg.PoolClient) => this.#recoverIn(client, order);
    return inTransaction(this.pool, work, ({ kind }) => kind === 'recovered');
  }

  async #recoverIn(
    client: pg.PoolClient,
    { end, checkpoint, acceptLoss, context }: RecoveryOrder,
  ): Promise<RecoveryResult> {
    // No time limit, no matter how much was lost: an abandoned step would only be abandoned again.
    await limitStatements(client, 0);
    await readByIndexes(client);
    const head = await client.query('select next_index::text from log_sequence for update');
    const [{ next_index: next }] = nextRows.parse(head.rows);
    const plan = new RecoveryPlan(next, end);
    let known = await this.#ownKnown(client);
    for await (const { claims, rivals } of claimedPlaces(client, next, end))
      known = highestNumber(catalogue.source, plan.take(claims, rivals), known);
    const { events, missing, contested } = plan.finish();
    if (contested.length > 0 && !acceptLoss) return { kind: 'contested', contested };
    if (missing.length > 0 && !acceptLoss) return { kind: 'missing', missing };
    const lost = [...missing, ...contested].sort((one, other) => (one.first < other.first ? -1 : 1));
    const entries = lostEntries(lost, known, context, (event) => this.outbox.prepare(event));
    await this.#append(client, inOrder(standingEvents(client, next, end, lost), entries));
    await this.#restoreOutbox(client);
    const verified = checkpoint === undefined || (await this.#leadsTo(client, checkpoint));
    if (!verified && !acceptLoss) return { kind: 'mismatch' };
    const span = ({ first, last }: IndexSpan) => ({ first: first.toString(), last: last.toString() });
    const recovered = catalogue.event('log.recovered', context, {
      id: 'audit',
      changes: {
        first_index: next.toString(),
        end_index: end.toString(),
        recovered: events,
        lost: lost.slice(0, 100).map(span),
        lost_entries: Number(lost.reduce((sum, { first, last }) => sum + last - first + 1n, 0n)),
        checkpoint_size: checkpoint === undefined ? null : checkpoint.size,
        checkpoint_root: checkpoint === undefined ? null : checkpoint.root.toString('base64'),
        checkpoint_verified: checkpoint === undefined ? null : verified,
      },
    });
    await this.outbox.record(drizzle({ client }), recovered);
    await client.query('delete from recovered_event');
    return { kind: 'recovered', recovered: events, lost, verified };
  }

  /**
   * Audit's own counter and outbox were restored as well: events in the log are removed from the outbox, and the rest is renumbered after them. Numbers
   * that were assigned in the meantime never reached the log.
   */
  async #restoreOutbox(client: pg.PoolClient): Promise<void> {
    await client.query(
      `insert into audit_sequence (source, last)
       select 'audit', coalesce((select upper(known) - 1 from source_progress where source = 'audit'), 0)
       on conflict (source) do update set last = excluded.last`,
    );
    await client.query('delete from audit_outbox where exists (select from event where event.id = audit_outbox.id)');
    await client.query('update audit_outbox set sequence = null, published_at = null where sequence is not null');
    await client.query(
      `with gone as (delete from audit_outbox_group returning *)
       insert into audit_outbox_group (events, count, created_at)
       select string_agg(line, E'\\n' order by number), count(*), created_at
       from gone cross join lateral string_to_table(events, E'\\n') with ordinality as line (line, number)
       where not exists (select from event where event.id = (line::jsonb->>'id')::uuid)
       group by position, created_at order by position`,
    );
  }

  /** The highest number of audit's own events in the log; 0 if there is none. */
  async #ownKnown(client: pg.PoolClient): Promise<bigint> {
    const { rows } = await client.query(
      "select coalesce((select upper(known) - 1 from source_progress where source = 'audit'), 0)::text as last",
    );
    return lastRows.parse(rows)[0].last;
  }

  /** @param all in the log's order, without a gap */
  async #append(client: pg.PoolClient, all: AsyncGenerator<RecoveredEvent>): Promise<void> {
    const { rows } = await client.query('select source, known::text from source_progress');
    const known = new Map(
      knownRows.parse(rows).map(({ source, known: ranges }) => [source, SequenceRanges.parse(ranges)] as const),
    );
    for await (const chunk of chunksOf(all)) {
      const touched = new Map<string, SequenceRanges>();
      for (const { event } of chunk) {
        const ranges = known.get(event.source) ?? new SequenceRanges();
        ranges.add(BigInt(event.sequence));
        known.set(event.source, ranges);
        touched.set(event.source, ranges);
      }
      const masked = chunk.map(({ event, salts }) => maskAgain(event, salts));
      const leaves: readonly Leaf[] = masked.map(({ event }) => leafOf(event));
      const marks = [...touched].map(([source, ranges]) => ({ source, known: ranges }));
      const first = chunk[0]?.index ?? 0n;
      await client.query({ ...appendEvents, values: [...appendParameters(first.toString(), leaves, marks)] });
      await keepApart(
        client,
        masked.map(({ event, masked: values }) => ({
          eventId: event.id,
          subject: event.data.principal?.subject ?? null,
          values,
        })),
      );
    }
  }

  /** Whether the log now has the tree that the checkpoint covers. */
  async #leadsTo(client: pg.PoolClient, { size, root }: Checkpoint): Promise<boolean> {
    const latest = await this.log.checkpoint();
    const from = latest?.treeSize ?? 0;
    if (size < from) return true;
    const { rows } = await client.query(
      'select leaf_hashes from log_unintegrated where first_index >= $1 order by first_index',
      [from],
    );
    const leaves = Buffer.concat(leafRows.parse(rows).map(({ leaf_hashes: hashes }) => hashes));
    if (leaves.length / 32 < size - from) return false;
    const tree = new GrowingTree(from, await this.log.tiles(edgeOf(from), client));
    tree.append(leaves.subarray(0, (size - from) * 32));
    return tree.root().equals(root);
  }
}
