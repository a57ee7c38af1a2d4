import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { ErrorState } from '../ui/page-state.js';
import { useNow } from '../ui/time.js';
import { AccessTable, type Column } from './access-table.js';
import styles from './access.module.css';
import { WARNING_DAYS, warningBound } from './expiry.js';

/** Maximum rows that the issuer returns. */
const LIMIT = 200;

interface EndingSoonProps<Row> {
  /** The section's title: `Keys that end soon`. */
  readonly label: string;
  /** The number that expires: `One key expires`. */
  readonly count: (rows: number) => string;
  /** The consequence, if it needs stating. */
  readonly so?: string;
  /** Identifies this list. */
  readonly name: readonly unknown[];
  readonly load: (
    query: { readonly ends_before: string; readonly limit: number },
    signal: AbortSignal,
  ) => Promise<readonly Row[]>;
  readonly idOf: (row: Row) => string;
  readonly isUrgent: (row: Row) => boolean;
  readonly columns: readonly Column<Row>[];
}

/** Entries that expire within days: above all others, wherever they would be in the list. */
export function EndingSoon<Row>({ label, count, so = '', name, load, ...table }: EndingSoonProps<Row>) {
  const now = useNow();
  const [before] = useState(() => warningBound(now));
  const { data, error, refetch } = useQuery({
    queryKey: ['issuer', ...name, 'ending', before],
    queryFn: ({ signal }) => load({ ends_before: before, limit: LIMIT }, signal),
  });
  if (error !== null) return <ErrorState what={label} error={error} retry={() => void refetch()} />;
  if (data === undefined || data.length === 0) return null;
  return (
    <section className={styles.warning} aria-label={label}>
      <h3>
        {data.length === LIMIT && 'At least '}
        {count(data.length)} within {WARNING_DAYS} days{so}
      </h3>
      <AccessTable {...table} caption={`${label}, earliest first`} empty="" rows={data} />
    </section>
  );
}
