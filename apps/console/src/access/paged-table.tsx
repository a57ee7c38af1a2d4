import { useInfiniteQuery } from '@tanstack/react-query';
import { ErrorState, Loading } from '../ui/page-state.js';
import { AccessTable, type AccessTableProps, type Column } from './access-table.js';

/** Rows per request. */
const PAGE = 50;

export interface Page<Row> {
  readonly rows: readonly Row[];
  readonly next_cursor?: string | null | undefined;
}

interface PagedTableProps<Row> extends Omit<AccessTableProps<Row>, 'rows' | 'columns'> {
  readonly what: string;
  /** Identifies this list. */
  readonly name: readonly unknown[];
  readonly load: (
    query: { readonly limit: number; readonly cursor: string | undefined },
    signal: AbortSignal,
  ) => Promise<Page<Row>>;
  /** @param pageOf the rows of the same page, for requests about a whole page */
  readonly columns: (pageOf: (row: Row) => readonly Row[]) => readonly Column<Row>[];
}

/** One of the issuer's lists as a table, a page at a time. */
export function PagedTable<Row>({ what, name, load, columns, ...table }: PagedTableProps<Row>) {
  const { data, error, fetchNextPage, hasNextPage, isFetching, refetch } = useInfiniteQuery({
    queryKey: ['issuer', ...name],
    queryFn: ({ pageParam: cursor, signal }) => load({ limit: PAGE, cursor }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next_cursor: next }) => next ?? undefined,
  });
  if (data === undefined && error !== null) return <ErrorState error={error} retry={() => void refetch()} />;
  if (data === undefined) return <Loading what={what} />;
  const pageOf = (row: Row): readonly Row[] => data.pages.find(({ rows }) => rows.includes(row))?.rows ?? [];
  return (
    <>
      <AccessTable {...table} rows={data.pages.flatMap(({ rows }) => rows)} columns={columns(pageOf)} />
      {error !== null && <ErrorState error={error} retry={() => void refetch()} />}
      {hasNextPage && (
        <button type="button" disabled={isFetching} onClick={() => void fetchNextPage()}>
          More {what}
        </button>
      )}
    </>
  );
}
