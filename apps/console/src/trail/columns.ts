/** Optional columns of the trail. Time and action are always shown. */
export const columnNames = ['outcome', 'who', 'client', 'resource', 'source', 'reason', 'txn', 'index'] as const;
export type ColumnName = (typeof columnNames)[number];

export const columnTitles: Readonly<Record<ColumnName, string>> = {
  outcome: 'Outcome',
  who: 'Who',
  client: 'Client',
  resource: 'Resource',
  source: 'Service',
  reason: 'Reason',
  txn: 'Transaction',
  index: 'Log index',
};
const defaultColumns: readonly ColumnName[] = ['outcome', 'who', 'client', 'resource', 'source'];

const widths: Readonly<Record<ColumnName, string>> = {
  outcome: '6.5rem',
  who: 'minmax(9rem, 1.2fr)',
  client: 'minmax(6rem, 0.8fr)',
  resource: 'minmax(9rem, 1.4fr)',
  source: '6rem',
  reason: 'minmax(6rem, 0.8fr)',
  txn: 'minmax(7rem, 0.8fr)',
  index: '5rem',
};

/** The grid of a row. */
export function gridOf(columns: readonly ColumnName[]): string {
  return ['23ch', 'minmax(9rem, 1fr)', ...columns.map((name) => widths[name])].join(' ');
}

/** Parses `who,client` from the URL; the default if it is missing, or names no column. */
export function parseColumns(text: string | undefined): readonly ColumnName[] {
  const wanted = (text ?? '').split(',');
  const found = columnNames.filter((name) => wanted.includes(name));
  return found.length === 0 ? defaultColumns : found;
}
