import { type DpopReplayStore } from '@countersign/auth-core';
import type pg from 'pg';

const PRUNE_EVERY_MS = 30_000;

/** Used DPoP proofs in the service's own database, so that a proof works once at all replicas together (RFC 9449, section 11.1). */
export class PostgresDpopReplayStore implements DpopReplayStore {
  #prunedAt = 0;

  /** @param now milliseconds since 1970 */
  constructor(
    private readonly pool: pg.Pool,
    private readonly now: () => number = Date.now,
  ) {}

  /** @throws what the database says: a proof that cannot be remembered lets nobody in */
  async useOnce(id: string, expiresAt: number): Promise<boolean> {
    if (this.now() - this.#prunedAt >= PRUNE_EVERY_MS) {
      this.#prunedAt = this.now();
      await this.prune();
    }
    const { rowCount } = await this.pool.query(
      'insert into dpop_proof (id, expires_at) values ($1, to_timestamp($2)) on conflict (id) do nothing',
      [id, expiresAt],
    );
    return rowCount === 1;
  }

  /** Forgets the proofs that are refused for their age by now, some at a time. @returns how many */
  async prune(): Promise<number> {
    const { rowCount } = await this.pool.query(
      `delete from dpop_proof where id in (
         select id from dpop_proof where expires_at < to_timestamp($1) limit 10000 for update skip locked)`,
      [this.now() / 1_000],
    );
    return rowCount ?? 0;
  }
}
