/** The state of the list of pages, as reported by TanStack Query. */
interface Pages {
  readonly hasNextPage: boolean;
  readonly isFetching: boolean;
  readonly isFetchNextPageError: boolean;
}

/** Whether the list may load its next page by itself: after a failure only a person retries. */
export const asksByItself = ({ hasNextPage, isFetching, isFetchNextPageError }: Pages): boolean =>
  hasNextPage && !isFetching && !isFetchNextPageError;
