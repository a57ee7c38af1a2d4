/** How long refresh tokens last, in milliseconds. */
export interface RefreshTimes {
  /** Without use. */
  readonly idle: number;
  /** However much they are used. */
  readonly life: number;
  /** The time in which a used token returns its successor again: for two tabs, or a lost response. */
  readonly again: number;
}

export const REFRESH_TIMES = Symbol('countersign.issuer.refresh-times');

/** The refresh tokens of one delegation, each replacing the previous one. Times in milliseconds since 1970. */
export interface Family {
  /** Of the one token that works: 0 is the first. */
  readonly generation: number;
  readonly begunAt: number;
  /** When the last generations started, oldest first; the last entry belongs to `generation`. */
  readonly rotations: readonly number[];
}

/** Maximum rotations remembered: far more than any client makes within a token's window. */
export const ROTATIONS_KEPT = 256;

/** What a token brings. */
export type RefreshVerdict =
  /** It was the working token; now `family.generation` is. */
  | { readonly kind: 'rotated'; readonly family: Family }
  /** It was just used: returns the working token, which is its successor unless that was used in the meantime. */
  | { readonly kind: 'again'; readonly generation: number }
  | { readonly kind: 'expired' }
  /** It was used longer ago: somebody else may have it. */
  | { readonly kind: 'replayed' }
  /** There is no such token yet. */
  | { readonly kind: 'unknown' };

/**
 * Decides the outcome of using a refresh token (RFC 9700, section 4.14.2). Only one generation works at a time, and for a short time a used token
 * returns that one, so that a repeated request, at any replica, never leaves the family, or gets a token whose own window is nearly over.
 * @param presented the generation of the verified token
 */
export function rotate(family: Family, presented: number, now: number, times: RefreshTimes): RefreshVerdict {
  const { generation, begunAt, rotations } = family;
  if (presented > generation) return { kind: 'unknown' };
  const usedAt = rotations.at(-1) ?? begunAt;
  if (now - usedAt > times.idle || now - begunAt > times.life) return { kind: 'expired' };
  if (presented < generation) {
    const replacedAt = rotations[rotations.length - (generation - presented)];
    const isRecent = replacedAt !== undefined && now - replacedAt <= times.again;
    return isRecent ? { kind: 'again', generation } : { kind: 'replayed' };
  }
  const recent = rotations.filter((at) => now - at <= times.again).slice(1 - ROTATIONS_KEPT);
  return { kind: 'rotated', family: { generation: generation + 1, begunAt, rotations: [...recent, now] } };
}
