/** Statistics. Counts are strings, because they may exceed the range of a JSON number. */
export interface EventStatistics {
  /** Events with a log index. */
  readonly events: string;
  /** How many of them are in the search index; the rest is searched directly. */
  readonly indexed: string;
  readonly sources: readonly SourceStatistics[];
  /** The number of events that the outcomes cover: all, unless the search index is far behind or retention has sealed the oldest. */
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
