import { type DpopProof } from '@countersign/auth-core';

/** A proof of a key, which works once (RFC 9449, section 11.1). */
export type UsedProof = Pick<DpopProof, 'replayId' | 'expiresAt'>;

/**
 * As part of a statement: uses up the proofs of rows, and returns those of which it was the first use. In a fixed order, so that two groups with the
 * same ones cannot deadlock.
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
