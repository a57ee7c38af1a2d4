/** How much there is. Counts are text: they may pass what a JSON number carries. */
export interface EventStatistics {
  /** Events that have a place in the log. */
  readonly events: string;
  /** How many of them the search index has; the rest is searched directly. */
  readonly indexed: string;
  readonly sources: readonly SourceStatistics[];
  /** Of how many events the outcomes are: of all, unless the search index is far behind or retention has sealed the oldest. */
  readonly counted: string;
  /** How many of those were allowed, denied, failed. */
  readonly outcomes: Readonly<Record<string, string>>;
}

export interface SourceStatistics {
  readonly source: string;
  /** Every number up to here is in the trail. */
  readonly through: string;
  readonly advanced_at: string;
}
