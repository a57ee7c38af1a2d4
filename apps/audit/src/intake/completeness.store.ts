import { Inject, Injectable } from '@nestjs/common';
import { SequenceRanges } from '@countersign/merkle-log';
import { POOL } from '@countersign/service-host';
import type pg from 'pg';
import { z } from 'zod';

const progressRows = z.array(
  z
    .object({
      source: z.string(),
      through: z.string(),
      known: z.string(),
      gap_since: z.date().nullable(),
      gap_seconds: z.number(),
    })
    .transform(({ source, through, known, gap_since: gapSince, gap_seconds: gapSeconds }) => ({
      source,
      through,
      known: SequenceRanges.parse(known),
      gapSince,
      gapSeconds,
    })),
);

/** A source's known numbers, and since when there has been a gap below the highest. */
export type SourceProgress = z.infer<typeof progressRows>[number];

/** How far each source is. */
@Injectable()
export class CompletenessStore {
  constructor(@Inject(POOL) private readonly pool: pg.Pool) {}

  /** Every known source, by name. */
  async read(): Promise<readonly SourceProgress[]> {
    const { rows } = await this.pool.query(
      `select source, through::text, known::text, gap_since, coalesce(extract(epoch from now() - gap_since), 0)::float as gap_seconds
       from source_progress order by source`,
    );
    return progressRows.parse(rows);
  }
}
