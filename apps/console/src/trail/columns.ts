/** What a row of the trail can show. Time and action are always there. */
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

/** Reads `who,client` of an address; the default for nothing, or for what names none. */
export function parseColumns(text: string | undefined): readonly ColumnName[] {
  const wanted = (text ?? '').split(',');
  const found = columnNames.filter((name) => wanted.includes(name));
  return found.length === 0 ? defaultColumns : found;
}
