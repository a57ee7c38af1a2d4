/** How long refresh tokens last. Milliseconds. */
export interface RefreshTimes {
  /** Without use. */
  readonly idle: number;
  /** However much they are used. */
  readonly life: number;
  /** For which a token that was used brings its successor again: two tabs, or an answer that was lost. */
  readonly again: number;
}

export const REFRESH_TIMES = Symbol('countersign.issuer.refresh-times');

/** The refresh tokens of one delegation, each in the place of the one before. Times in milliseconds since 1970. */
export interface Family {
  /** Of the one token that works: 0 is the first. */
  readonly generation: number;
  readonly begunAt: number;
  /** When the last generations began, oldest first; the last entry is that of `generation`. */
  readonly rotations: readonly number[];
}

/** Rotations that are remembered: far more than any client makes while a token still brings its successor again. */
export const ROTATIONS_KEPT = 256;

/** What a token brings. */
export type RefreshVerdict =
  /** It was the one that works; now `family.generation` is. */
  | { readonly kind: 'rotated'; readonly family: Family }
  /** It was used a moment ago: the token that works now, its successor unless that was used in the meantime. */
  | { readonly kind: 'again'; readonly generation: number }
  | { readonly kind: 'expired' }
  /** It was used longer ago: somebody else may have it. */
  | { readonly kind: 'replayed' }
  /** There is no such token yet. */
  | { readonly kind: 'unknown' };

/**
 * Decides what a refresh token of a family brings (RFC 9700, section 4.14.2). Only one generation works at a time, and a used token brings that one
 * for a moment, so that nobody who asks again, at whatever replica, ends up beside the family, or with a token whose own moment is nearly over.
 * @param presented the token's generation, the token itself verified
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
