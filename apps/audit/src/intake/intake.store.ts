import { Inject, Injectable } from '@nestjs/common';
import { type AuditEvent, type Receipt } from '@countersign/audit-client';
import { DATABASE, type Database, type Transaction } from '@countersign/service-host';
import { sql } from 'drizzle-orm';
import { z } from 'zod';
import { eventTable } from '../events/events.tables.js';
import { traceIdOf, type Accepted, type Rejected } from './border.js';

const progressRows = z.array(z.object({ source: z.string(), through: z.string() }));

function rowOf(event: AuditEvent) {
  const { principal, resource, action, outcome, txn } = event.data;
  return {
    id: event.id,
    source: event.source,
    sequence: BigInt(event.sequence),
    type: event.type,
    time: new Date(event.time),
    resource,
    action,
    outcome,
    subject: principal?.subject ?? null,
    clientId: principal?.client_id ?? null,
    actors: principal?.actors ?? [],
    txn,
    traceId: traceIdOf(event.traceparent),
    event,
    receivedAt: new Date(),
  };
}

/** Appends a batch in one transaction; what is already there, by id or by source and sequence, is not stored again. */
@Injectable()
export class IntakeStore {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** @returns how far each source of the batch is now known without a gap */
  append(batch: readonly (Accepted | Rejected)[]): Promise<readonly Receipt[]> {
    const events = batch.filter((item) => item.kind === 'event').map(({ event }) => event);
    const letters = batch.filter((item) => item.kind === 'dead-letter');
    const sources = new Set([...events, ...letters].map(({ source }) => source).filter((source) => source !== null));
    return this.database.transaction(async (transaction) => {
      if (events.length > 0) await transaction.insert(eventTable).values(events.map(rowOf)).onConflictDoNothing();
      for (const { source, sequence, natsSubject, reason, payload } of letters) {
        await transaction.execute(
          sql`insert into dead_letter (source, sequence, nats_subject, reason, payload)
              values (${source}, ${sequence}, ${natsSubject}, ${reason}, ${payload}) on conflict do nothing`,
        );
      }
      const receipts: Receipt[] = [];
      for (const source of [...sources].sort()) receipts.push(await this.#advance(transaction, source));
      return receipts;
    });
  }

  /** How far every known source is, for the receipts that are sent again on a timer. */
  async progress(): Promise<readonly Receipt[]> {
    const { rows } = await this.database.execute(sql`select source, through::text from source_progress`);
    return progressRows.parse(rows);
  }

  /** Moves a source's mark over every number that follows it without a gap; dead letters keep their place. */
  async #advance(transaction: Transaction, source: string): Promise<Receipt> {
    await transaction.execute(
      sql`insert into source_progress (source, through) values (${source}, 0) on conflict do nothing`,
    );
    const { rows } = await transaction.execute(sql`
      with mark as (select through from source_progress where source = ${source} for update),
      known as (
        select sequence from event where source = ${source} and sequence > (select through from mark)
        union
        select sequence from dead_letter where source = ${source} and sequence > (select through from mark)
      ),
      run as (select sequence, sequence - row_number() over (order by sequence) as base from known)
      update source_progress set
        through = greatest(through, coalesce((select max(sequence) from run where base = (select through from mark)), 0)),
        advanced_at = now()
      where source = ${source}
      returning source, through::text`);
    const [receipt] = progressRows.parse(rows);
    if (receipt === undefined) throw new Error(`the progress of ${source} vanished within a transaction`);
    return receipt;
  }
}
