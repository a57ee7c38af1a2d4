import { useInfiniteQuery } from '@tanstack/react-query';
import { type ReactNode } from 'react';
import { ErrorState, Loading } from '../ui/page-state.js';

export interface Page<Row> {
  readonly rows: readonly Row[];
  readonly next: string | undefined;
}

interface PagedProps<Row> {
  readonly what: string;
  readonly name: readonly unknown[];
  readonly load: (cursor: string | undefined, signal: AbortSignal) => Promise<Page<Row>>;
  readonly children: (rows: readonly Row[]) => ReactNode;
}

/** Rows of a list of the issuer, a page at a time. */
export function Paged<Row>({ what, name, load, children }: PagedProps<Row>) {
  const { data, error, fetchNextPage, hasNextPage, isFetching, refetch } = useInfiniteQuery({
    queryKey: ['issuer', ...name],
    queryFn: ({ pageParam, signal }) => load(pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next }) => next,
  });
  if (data === undefined && error !== null) return <ErrorState error={error} retry={() => void refetch()} />;
  if (data === undefined) return <Loading what={what} />;
  return (
    <>
      {children(data.pages.flatMap(({ rows }) => rows))}
      {error !== null && <ErrorState error={error} retry={() => void refetch()} />}
      {hasNextPage && (
        <button type="button" disabled={isFetching} onClick={() => void fetchNextPage()}>
          More {what}
        </button>
      )}
    </>
  );
}
