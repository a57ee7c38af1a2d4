import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { ask, valueOf } from '../api/client.js';
import { eventPageSchema } from '../api/events.js';
import { OutcomeMark } from '../ui/outcome.js';
import { ErrorState, Loading, PageState } from '../ui/page-state.js';
import { Time } from '../ui/time.js';
import { Untrusted } from '../ui/untrusted.js';

const route = getRouteApi('/');

/** Who did what, newest first. */
export function Trail() {
  const search = route.useSearch();
  const { data, error, fetchNextPage, hasNextPage, isFetching, refetch } = useInfiniteQuery({
    queryKey: ['events', search],
    queryFn: async ({ pageParam, signal }) =>
      valueOf(await ask(eventPageSchema, '/events', { query: { ...search, limit: 50, cursor: pageParam }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next_cursor: next }) => next ?? undefined,
  });
  if (error !== null && data === undefined) return <ErrorState error={error} retry={() => void refetch()} />;
  if (data === undefined) return <Loading what="events" />;
  const rows = data.pages.flatMap(({ events }) => events);
  if (rows.length === 0) return <PageState title="No events">Nothing has happened that you may see.</PageState>;
  return (
    <>
      <h1 className="visually-hidden">Trail</h1>
      <table>
        <thead>
          <tr>
            <th>Time</th>
            <th>Outcome</th>
            <th>Action</th>
            <th>Subject</th>
            <th>Resource</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ log_index: index, event }) => (
            <tr key={index}>
              <td>
                <Time at={event.time} />
              </td>
              <td>
                <OutcomeMark outcome={event.data.outcome} />
              </td>
              <td>
                <Untrusted text={event.data.action} brief />
              </td>
              <td>
                {event.data.principal === null ? 'nobody' : <Untrusted text={event.data.principal.subject} brief />}
              </td>
              <td>
                <Untrusted text={event.data.resource} brief />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {hasNextPage && (
        <button type="button" disabled={isFetching} onClick={() => void fetchNextPage()}>
          Older events
        </button>
      )}
    </>
  );
}
