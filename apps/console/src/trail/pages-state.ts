/** What the list of pages is in, as TanStack Query says it. */
interface Pages {
  readonly hasNextPage: boolean;
  readonly isFetching: boolean;
  readonly isFetchNextPageError: boolean;
}

/** Whether the list may ask for its next page by itself: not again for one that did not come, which a person asks for. */
export const asksByItself = ({ hasNextPage, isFetching, isFetchNextPageError }: Pages): boolean =>
  hasNextPage && !isFetching && !isFetchNextPageError;
