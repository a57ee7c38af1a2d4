import { Inject, Injectable } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { type NewAuditEvent } from '@countersign/audit-event';
import { SequenceRanges } from '@countersign/merkle-log';
import { AUDIT_OUTBOX, drizzleOn, POOL } from '@countersign/service-host';
import { sql } from 'drizzle-orm';
import type pg from 'pg';
import { z } from 'zod';

const knownRows = z.array(z.object({ known: z.string() }));

/** Numbers of a source, both ends included. */
export interface Gap {
  readonly source: string;
  readonly first: bigint;
  readonly last: bigint;
}

/** Closes gaps that will never be filled. */
@Injectable()
export class GapsStore {
  constructor(
    @Inject(POOL) private readonly pool: pg.Pool,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
  ) {}

  /**
   * Marks numbers as accounted for, together with an event.
   * @returns whether all of them were missing, with higher ones known; otherwise nothing has changed
   */
  async accept({ source, first, last }: Gap, event: NewAuditEvent): Promise<boolean> {
    return drizzleOn(this.pool).transaction(async (transaction) => {
      // The intake changes the numbers under the same lock.
      await transaction.execute(sql`select from log_sequence for update`);
      const { rows } = await transaction.execute(sql`select known::text from source_progress where source = ${source}`);
      const [row] = knownRows.parse(rows);
      const known = SequenceRanges.parse(row?.known ?? '{}');
      if (!known.missing().some((gap) => gap.first <= first && last <= gap.last)) return false;
      known.addRange(first, last);
      const [ranges, through] = [known.toString(), known.through.toString()];
      await transaction.execute(
        sql`update source_progress set known = ${ranges}::int8multirange, through = ${through}::bigint, advanced_at = now(),
              gap_since = case when ${through}::bigint + 1 < upper(${ranges}::int8multirange) then coalesce(gap_since, now()) end
            where source = ${source}`,
      );
      await this.outbox.record(transaction, event);
      return true;
    });
  }
}
