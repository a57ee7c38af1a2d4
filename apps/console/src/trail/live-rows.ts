import { type FoundEvent } from '../api/events.js';

/** Maximum live events kept before the pages. */
export const LIVE_LIMIT = 5_000;

/** What came live. */
export interface Arrived {
  /** Newest first; no more than {@link LIVE_LIMIT}. */
  readonly events: readonly FoundEvent[];
  /** How many came in all. */
  readonly total: number;
}

/** @param found oldest first */
export function arrive({ events, total }: Arrived, found: readonly FoundEvent[]): Arrived {
  return { events: [...found.toReversed(), ...events].slice(0, LIVE_LIMIT), total: total + found.length };
}

/**
 * The list's content: live events before the pages.
 * @param waiting how many of the newest are not shown yet
 * @param found the pages, newest first
 * @returns `isCut`: live events that are kept no longer would be missing in front of the pages, which are left out
 */
export function rowsOf(
  { events, total }: Arrived,
  waiting: number,
  found: readonly FoundEvent[],
): { readonly rows: readonly FoundEvent[]; readonly isCut: boolean } {
  const shown = events.slice(waiting);
  const newest = BigInt(found[0]?.log_index ?? -1);
  const fresh = shown.filter(({ log_index: index }) => BigInt(index) > newest);
  const isCut = total > events.length && shown.length > 0 && fresh.length === shown.length;
  return { rows: isCut ? fresh : [...fresh, ...found], isCut };
}
