import { idSchema, Problem } from '@countersign/service-host';
import { z } from 'zod';

/** In the first second of a new log. */
export const logStarting = (): Problem =>
  new Problem(503, 'LOG_STARTING', 'The first checkpoint is not signed yet; retry in a moment.', { retry_after: 1 });

/** `GET /log/proof/inclusion`: for a leaf by its index or its event's id, in the tree of a size. */
export const inclusionQuerySchema = z.strictObject({
  /** 0-based log index. */
  index: z.coerce.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER).optional(),
  /** An event's id, instead of its index. */
  event: idSchema.optional(),
  /** Leaves of the tree; the newest checkpoint's by default. */
  size: z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER).optional(),
});
export type InclusionQuery = z.infer<typeof inclusionQuerySchema>;

/** `GET /log/proof/consistency`: from one size to a larger one. */
export const consistencyQuerySchema = z.strictObject({
  from: z.coerce.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER),
  /** The newest checkpoint's size by default. */
  to: z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER).optional(),
});
export type ConsistencyQuery = z.infer<typeof consistencyQuerySchema>;

/** Hashes are base64, as in tlog-proof; indices and sizes decimal strings. */
export interface InclusionProof {
  readonly log_index: string;
  readonly tree_size: string;
  readonly leaf_hash: string;
  readonly root_hash: string;
  /** From the leaf's sibling up to the root's child. */
  readonly hashes: readonly string[];
  /** The self-contained proof (C2SP tlog-proof); null for a size without a signed checkpoint. */
  readonly tlog_proof: string | null;
}

export interface ConsistencyProof {
  readonly from: string;
  readonly to: string;
  readonly hashes: readonly string[];
}

/** A verifier key of the log (C2SP signed-note) and the checkpoints that it has signed. Sizes are decimal strings. */
export interface LogKey {
  readonly verifier_key: string;
  /** Whether new checkpoints carry its signature. */
  readonly signs: boolean;
  /** Of the first checkpoint that it signed; undefined before there is one. */
  readonly first_size: string | null;
  readonly first_at: string | null;
  /** Of the last one; undefined while it still signs. */
  readonly last_size: string | null;
  readonly last_at: string | null;
}
