import { type DpopReplayStore } from '@countersign/auth-core';
import type pg from 'pg';
import { z } from 'zod';
import { deleteInPortions } from '../database/delete-in-portions.js';
import { Groups } from '../database/groups.js';

/** Seconds for which a proof is kept beyond its expiry, because a replica whose clock is behind may still accept it. */
const MARGIN_SECONDS = 15;

const usedRows = z.array(z.object({ id: z.string() }));

interface Use {
  readonly id: string;
  /** Seconds since 1970. */
  readonly expiresAt: number;
}

/**
 * Used DPoP proofs in the service's own database, so that a proof works once across all replicas (RFC 9449, section 11.1). `ServiceAuthModule`
 * calls {@link prune} in the background; if you use the store by itself, call it on a timer, or the table grows.
 */
export class PostgresDpopReplayStore implements DpopReplayStore {
  readonly #uses = new Groups<Use, boolean>((uses) => this.#use(uses), { namesOf: ({ id }) => [id] });

  /** @param now milliseconds since 1970 */
  constructor(
    private readonly pool: pg.Pool,
    private readonly now: () => number = Date.now,
  ) {}

  /** Concurrent calls share one insert. @throws the database's error: a proof that cannot be stored is not accepted */
  useOnce(id: string, expiresAt: number): Promise<boolean> {
    return this.#uses.run({ id, expiresAt });
  }

  /** In a fixed order, so that no two replicas deadlock. */
  async #use(uses: readonly Use[]): Promise<readonly { readonly result: boolean }[]> {
    const { rows } = await this.pool.query(
      `insert into dpop_proof (id, expires_at)
       select id, to_timestamp(expires_at) from unnest($1::text[], $2::float8[]) as p (id, expires_at) order by id
       on conflict (id) do nothing returning id`,
      [uses.map(({ id }) => id), uses.map(({ expiresAt }) => expiresAt)],
    );
    const first = new Set(usedRows.parse(rows).map(({ id }) => id));
    // Of several with the same proof, the first one gets it.
    return uses.map(({ id }) => ({ result: first.delete(id) }));
  }

  /**
   * Deletes the proofs that are too old for every replica's clock, 10,000 per statement. Replicas may do this concurrently.
   * @param signal ends it between two statements
   * @returns how many it deleted
   * @throws the database's error
   */
  prune(signal?: AbortSignal): Promise<number> {
    const before = this.now() / 1_000 - MARGIN_SECONDS;
    return deleteInPortions(this.pool, 'dpop_proof', 'expires_at < to_timestamp($1)', [before], signal);
  }
}
