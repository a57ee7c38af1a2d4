import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { Background, deleteInPortions, POOL, type Transaction } from '@countersign/service-host';
import { sql } from 'drizzle-orm';
import type pg from 'pg';
import { isProven } from './used-proofs.store.js';

const PRUNE_EVERY_MS = 60_000;

/** An assertion that works once. */
export interface UsedAssertion {
  readonly clientId: string;
  readonly jti: string;
  /** Seconds since 1970 when it expires by itself. */
  readonly expiresAt: number;
}

/**
 * As part of a statement: uses up the assertions of those rows of `judged` that are ready and whose proof is `proven`, and returns those of which it
 * was the first use. In a fixed order, so that two groups with the same ones cannot deadlock.
 */
export const useReadyAssertions = `
  insert into client_assertion (client_id, jti, expires_at)
  select client_id, jti, to_timestamp(expires_at) from judged j where state = 'ready' and jti is not null and ${isProven('j')}
  order by client_id, jti
  on conflict do nothing
  returning client_id, jti`;

/** The used assertions. Replicas share them in the database, so that each works once across all of them, even after a restart. */
@Injectable()
export class UsedAssertions implements OnModuleInit {
  constructor(
    @Inject(POOL) private readonly pool: pg.Pool,
    @Inject(Background) private readonly background: Background,
  ) {}

  /** @returns whether this was its first use */
  async useOnce({ clientId, jti, expiresAt }: UsedAssertion): Promise<boolean> {
    const { rowCount } = await this.pool.query(
      `insert into client_assertion (client_id, jti, expires_at) values ($1, $2, to_timestamp($3)) on conflict do nothing`,
      [clientId, jti, expiresAt],
    );
    return rowCount === 1;
  }

  /** Like {@link useOnce}, in the caller's transaction: if the rest fails, nothing is used up. */
  async useOnceIn(transaction: Transaction, { clientId, jti, expiresAt }: UsedAssertion): Promise<boolean> {
    const { rowCount } = await transaction.execute(
      sql`insert into client_assertion (client_id, jti, expires_at) values (${clientId}, ${jti}, to_timestamp(${expiresAt}))
          on conflict do nothing`,
    );
    return rowCount === 1;
  }

  /** Deletes assertions that have expired by now. */
  async prune(signal?: AbortSignal): Promise<void> {
    await deleteInPortions(this.pool, 'client_assertion', `expires_at < now() - interval '1 minute'`, [], signal);
  }

  onModuleInit(): void {
    this.background.repeat({
      name: 'used_assertions',
      everyMs: PRUNE_EVERY_MS,
      run: async (signal) => {
        await this.prune(signal);
        return undefined;
      },
    });
  }
}
