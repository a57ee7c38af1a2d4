/** One page of a list. */
export interface Page<Row> {
  readonly rows: readonly Row[];
  /** The last item, after which the next page begins; undefined if no page follows. */
  readonly last: Row | undefined;
}

/**
 * Cuts a page from the rows found.
 * @param found in the list's order; one row more than the page holds if another page follows
 * @param limit maximum rows of a page
 */
export function pageOf<Row>(found: readonly Row[], limit: number): Page<Row> {
  const rows = found.slice(0, limit);
  return { rows, last: found.length > limit ? rows.at(-1) : undefined };
}
