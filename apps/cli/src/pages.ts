import { InvalidArgumentError, Option } from 'commander';
import { type Output } from './output.js';

/** Items per page of a service. */
const PAGE = 200;
/** Maximum items that one command shows. */
export const LIST_LIMIT = 10_000;

/** A count from the command line. */
export function countOf(limit: number): (said: string) => number {
  return (said) => {
    const count = Number(said);
    if (Number.isInteger(count) && count >= 1 && count <= limit) return count;
    throw new InvalidArgumentError(`Must be a whole number from 1 to ${String(limit)}.`);
  };
}

/** How many lines a list has. */
export const limitOption = (byDefault = LIST_LIMIT): Option =>
  new Option('--limit <count>', `maximum number of lines, 1 to ${String(LIST_LIMIT)}`)
    .argParser(countOf(LIST_LIMIT))
    .default(byDefault);

/** One page of a list: its items, and where the next one begins. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly next: string | null | undefined;
}

/**
 * Reads a list page by page until its end, or until there are as many items as requested.
 * @returns `next`: where the rest begins; null if there is none
 */
export async function readPages<Item>(
  limit: number,
  read: (page: Readonly<Record<'limit', string> & Partial<Record<'cursor', string>>>) => Promise<Page<Item>>,
  from?: string,
): Promise<{ readonly items: readonly Item[]; readonly next: string | null }> {
  const items: Item[] = [];
  let cursor = from;
  for (;;) {
    const size = String(Math.min(PAGE, limit - items.length));
    const page = await read({ limit: size, ...(cursor === undefined ? {} : { cursor }) });
    items.push(...page.items);
    const next = page.next ?? null;
    if (next === null || items.length >= limit) return { items, next };
    cursor = next;
  }
}

/** Says that a list is incomplete. */
export function noteMore({ note }: Pick<Output, 'note'>, next: string | null): void {
  if (next !== null) note('There are more: use a higher --limit, or narrow the list.');
}
