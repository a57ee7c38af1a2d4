import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { leafOf } from '@countersign/merkle-log';
import { AUDIT_OUTBOX, byItself, drizzleOn, POOL, unattended, withAdvisoryLock } from '@countersign/service-host';
import { sql } from 'drizzle-orm';
import type pg from 'pg';
import { z } from 'zod';
import { events } from '../events.js';
import { type SealedEvent } from './segment.js';

const PAGE = 1_000;
const DELETE_AT_ONCE = 5_000;
const LOCK = 'countersign.retention';

const index = z.string().transform(Number).pipe(z.int().nonnegative());
const minimumRows = z.tuple([z.object({ minimum_index: index })]);
const fileRows = z.array(z.object({ file: z.string() }));
const ageRows = z.array(z.object({ old: z.boolean() }));
const eventRows = z.array(z.object({ log_index: index, event: z.unknown(), hash: z.instanceof(Buffer).nullable() }));

/** What has left the database. */
export interface RetentionState {
  /** The log index of the first event that the database still has. */
  readonly first_index: string;
  readonly segments: number;
  readonly last_sealed_at: string | null;
}

const stateRows = z.tuple([
  z.object({
    first_index: z.string(),
    segments: z.number(),
    last_sealed_at: z
      .date()
      .transform((time) => time.toISOString())
      .nullable(),
  }),
]);

/** A segment that was written and read back. */
export interface WrittenSegment {
  readonly first: number;
  readonly end: number;
  readonly file: string;
  readonly sha256: Buffer;
}

/** What retention reads and moves. */
@Injectable()
export class RetentionStore {
  constructor(
    @Inject(POOL) private readonly pool: pg.Pool,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
  ) {}

  /** Runs the work unless another replica is doing it. @returns undefined if another one is doing it */
  alone<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
    return withAdvisoryLock(this.pool, LOCK, work);
  }

  async state(): Promise<RetentionState> {
    const { rows } = await this.pool.query(
      `select minimum_index::text as first_index, segments.count as segments, last_sealed_at from log_retention,
         (select count(*)::int, max(sealed_at) as last_sealed_at from log_segment) as segments`,
    );
    return stateRows.parse(rows)[0];
  }

  async minimumIndex(): Promise<number> {
    const { rows } = await this.pool.query('select minimum_index from log_retention');
    return minimumRows.parse(rows)[0].minimum_index;
  }

  /** The file of the last segment; undefined before the first. */
  async lastFile(): Promise<string | undefined> {
    const { rows } = await this.pool.query('select file from log_segment order by first_index desc limit 1');
    return fileRows.parse(rows)[0]?.file;
  }

  /** Whether the event arrived before the time. */
  async isOlder(logIndex: number, than: Date): Promise<boolean> {
    const { rows } = await this.pool.query('select received_at < $2 as old from event where log_index = $1', [
      logIndex,
      than,
    ]);
    return ageRows.parse(rows)[0]?.old === true;
  }

  /** The events of a segment with their hashes in the log. @throws if one is missing or is not the one that was logged */
  async *events(first: number, end: number): AsyncGenerator<SealedEvent> {
    for (let next = first; next < end;) {
      const { rows } = await this.pool.query(
        `select log_index, event, substring(hashes from ((log_index % 256) * 32 + 1)::int for 32) as hash
         from event left join log_tile on level = 0 and tile_index = log_index / 256
         where log_index >= $1 and log_index < $2 order by log_index limit $3`,
        [next, end, PAGE],
      );
      const page = eventRows.parse(rows);
      if (page.length === 0) throw new Error(`the event of log index ${String(next)} is missing: nothing is sealed`);
      for (const { log_index: logIndex, event, hash } of page) {
        if (logIndex !== next || hash === null || !leafOf(event).hash.equals(hash)) {
          throw new Error(`the event of log index ${String(next)} is not the one that was logged: nothing is sealed`);
        }
        yield { logIndex, leafHash: hash, event };
        next += 1;
      }
    }
  }

  /** Moves the minimum index past a written segment: from then on its events may be removed. */
  async seal({ first, end, file, sha256 }: WrittenSegment): Promise<void> {
    await drizzleOn(this.pool).transaction(async (transaction) => {
      await transaction.execute(
        sql`insert into log_segment (first_index, end_index, file, sha256) values (${first}, ${end}, ${file}, ${sha256})`,
      );
      await transaction.execute(sql`update log_retention set minimum_index = ${end} where minimum_index = ${first}`);
      const sealed = {
        id: String(first),
        changes: { first_index: String(first), end_index: String(end), file, sha256: sha256.toString('hex') },
      };
      await this.outbox.record(transaction, events.event('segment.sealed', byItself(unattended()), sealed));
    });
  }

  /** Removes everything below the minimum index, a portion at a time. @param signal ends it early */
  async prune(signal?: AbortSignal): Promise<void> {
    while (signal?.aborted !== true) {
      const { rowCount } = await this.pool.query(
        `delete from event where log_index in (
           select log_index from event where log_index < (select minimum_index from log_retention) order by log_index limit $1)`,
        [DELETE_AT_ONCE],
      );
      if ((rowCount ?? 0) < DELETE_AT_ONCE) return;
    }
  }
}
