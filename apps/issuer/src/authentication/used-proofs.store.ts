import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { type DpopProof } from '@countersign/auth-core';
import { Background, CLOCK, DPOP_PRUNE_LIMIT, POOL, PostgresDpopReplayStore } from '@countersign/service-host';
import type pg from 'pg';

const PRUNE_EVERY_MS = 30_000;

/** A proof of a key, which works once (RFC 9449, section 11.1). */
export type UsedProof = Pick<DpopProof, 'replayId' | 'expiresAt'>;

/**
 * As part of a statement: uses up the proofs of rows, and gives those of which it was the first use. In one order, so that of two groups that hold the
 * same ones neither waits for ever.
 * @param rows from which, and which of them
 */
export const useProofs = (rows: string): string => `
  insert into dpop_proof (id, expires_at)
  select proof, to_timestamp(proof_until) from ${rows} and proof is not null
  order by proof
  on conflict (id) do nothing
  returning id`;

/** As a condition on a row: it has no proof, or one that {@link useProofs}, as `proven`, used for the first time. */
export const isProven = (row: string): string =>
  `(${row}.proof is null or exists (select from proven p where p.id = ${row}.proof))`;

/** The DPoP proofs that were used. The database is what replicas share, so that each works once at all of them, also after a restart. */
@Injectable()
export class UsedProofs implements OnModuleInit {
  readonly #store: PostgresDpopReplayStore;

  constructor(
    @Inject(POOL) pool: pg.Pool,
    @Inject(CLOCK) clock: () => Date,
    @Inject(Background) private readonly background: Background,
  ) {
    this.#store = new PostgresDpopReplayStore(pool, () => clock().getTime());
  }

  /** For a proof that nothing else is committed with. @returns whether this was its first use */
  useOnce({ replayId, expiresAt }: UsedProof): Promise<boolean> {
    return this.#store.useOnce(replayId, expiresAt);
  }

  onModuleInit(): void {
    this.background.repeat({
      name: 'used_proofs',
      everyMs: PRUNE_EVERY_MS,
      run: async () => ((await this.#store.prune()) === DPOP_PRUNE_LIMIT ? 'again' : undefined),
    });
  }
}
