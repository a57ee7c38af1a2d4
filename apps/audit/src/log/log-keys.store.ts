import { Inject, Injectable } from '@nestjs/common';
import { POOL } from '@countersign/service-host';
import type pg from 'pg';
import { z } from 'zod';
import { type LogSigners } from './log-signer.js';

const index = z.string().transform(Number).pipe(z.int().nonnegative());
const keyRows = z.array(
  z
    .object({ verifier_key: z.string(), first_size: index, first_at: z.date(), last_size: index, last_at: z.date() })
    .transform((row) => ({
      verifierKey: row.verifier_key,
      firstSize: row.first_size,
      firstAt: row.first_at,
      lastSize: row.last_size,
      lastAt: row.last_at,
    })),
);

/** A key, and the first and last checkpoint that it signed. */
export type KeyPeriod = z.infer<typeof keyRows>[number];

/** Records, in a checkpoint's transaction, which keys signed it. Checkpoints from before this was recorded were signed by the oldest key. */
export async function noteKeys(client: pg.PoolClient, signers: LogSigners, treeSize: number): Promise<void> {
  const keys = signers.map(({ verifierKey }) => verifierKey);
  await client.query(
    `insert into log_key (verifier_key, first_size, first_at, last_size)
     select key, case when first.tree_size is not null then first.tree_size else $2 end, coalesce(first.signed_at, now()), $2
     from unnest($1::text[]) as key
     left join (select tree_size, signed_at from log_checkpoint where not exists (select from log_key) order by tree_size limit 1) as first
       on key = $3
     on conflict (verifier_key) do update set last_size = excluded.last_size, last_at = now()`,
    [keys, treeSize, keys.at(-1)],
  );
}

/** The keys of the log. */
@Injectable()
export class LogKeysStore {
  constructor(@Inject(POOL) private readonly pool: pg.Pool) {}

  /** All keys that have ever signed, newest first. */
  async read(): Promise<readonly KeyPeriod[]> {
    const { rows } = await this.pool.query(
      'select * from log_key order by first_size desc, last_size desc, verifier_key',
    );
    return keyRows.parse(rows);
  }
}
