import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate, useRouter } from '@tanstack/react-router';
import { lazy, Suspense, useMemo, useState } from 'react';
import * as z from 'zod/mini';
import { ErrorState, Loading, PageState } from '../ui/page-state.js';
import { Untrusted } from '../ui/untrusted.js';
import { parseColumns } from './columns.js';
import { Facets } from './facets.js';
import { Histogram } from './histogram.js';
import { LIVE_LIMIT, rowsOf } from './live-rows.js';
import { asksByItself } from './pages-state.js';
import { serverQueryOf } from '../filters/server-query.js';
import { summaryQuery } from './summary.js';
import { TrailTable } from './trail-table.js';
import { TrailTools } from './trail-tools.js';
import { setFilters, type TrailSearch } from '../filters/trail-search.js';
import styles from './trail.module.css';
import { useLive, usePages, type Live } from './use-trail.js';

const route = getRouteApi('/');
// Loaded after the rows: the code that verifies them is larger than the code that shows them.
const ProofLine = lazy(async () => ({ default: (await import('../proof/proof-line.js')).ProofLine }));
const querySchema = z.record(z.string(), z.string());

/** The filters that are set, each with a button to remove it. */
function Chips({ search }: { readonly search: TrailSearch }) {
  const set = setFilters(search);
  if (set.length === 0) return null;
  return (
    <ul className={styles.chips} aria-label="Filters">
      {set.map(({ name, value }) => (
        <li key={name}>
          {name === 'q' ? 'words' : name}: <Untrusted text={value} limit={60} brief />{' '}
          <Link from="/" to="/" search={{ ...search, [name]: undefined }} aria-label={`Remove the filter ${name}`}>
            ✕
          </Link>
        </li>
      ))}
    </ul>
  );
}

interface LiveBarProps {
  readonly problem: string | undefined;
  readonly paused: boolean;
  readonly waiting: number;
  readonly onPause: (on: boolean) => void;
}

function LiveBar({ problem, paused, waiting, onPause }: LiveBarProps) {
  const words = paused
    ? `${String(waiting)} new ${waiting === 1 ? 'event waits' : 'events wait'}`
    : 'New events appear here as they arrive.';
  return (
    <div className={styles.liveBar}>
      <button
        type="button"
        onClick={() => {
          onPause(!paused);
        }}
      >
        {paused ? 'Resume' : 'Pause'}
      </button>
      <span role="status">{problem === undefined ? words : <Untrusted text={problem} />}</span>
    </div>
  );
}

/** Who did what, newest first. */
export function Trail() {
  const search = route.useSearch();
  const navigate = useNavigate({ from: '/' });
  const moment = route.useLoaderData();
  const router = useRouter();
  const { columns: chosen, live: isLive } = search;
  const key = JSON.stringify(serverQueryOf(search, moment));
  const query = useMemo(() => querySchema.parse(JSON.parse(key)), [key]);
  const pages = usePages(query);
  const summary = useQuery(summaryQuery(query));
  const seeAgain = async (): Promise<void> => {
    // A first page already in flight may be older than the query.
    if (pages.data === undefined) await pages.refetch();
    await pages.refetch();
  };
  const live = useLive(query, isLive === '1', () => {
    // Events between the pages and the first live event: none can have been missed once some arrived.
    if (live.arrived.total === 0) void seeAgain();
  });
  /** How many had arrived when it was paused. */
  const [paused, setPaused] = useState<{ readonly run: Live['run']; readonly total: number } | undefined>(undefined);
  const isPaused = paused !== undefined && paused.run === live.run;
  const waiting = isPaused ? live.arrived.total - paused.total : 0;
  const { rows, isCut } = useMemo(() => {
    const found = pages.data?.pages.flatMap(({ events }) => events) ?? [];
    return rowsOf(live.arrived, waiting, found);
  }, [pages.data, live.arrived, waiting]);
  const refresh = (): void => {
    void router.invalidate();
    void pages.refetch();
    void summary.refetch();
  };
  return (
    <div className={styles.trail}>
      <h1 className="visually-hidden">Trail</h1>
      <TrailTools search={search} query={query} onRefresh={refresh} />
      <Chips search={search} />
      {isLive === '1' && (
        <LiveBar
          problem={live.problem?.message}
          paused={isPaused}
          waiting={waiting}
          onPause={(on) => {
            setPaused(on ? { run: live.run, total: live.arrived.total } : undefined);
          }}
        />
      )}
      {isCut && (
        <p role="status">
          Only the newest {LIVE_LIMIT.toLocaleString('en')} live events are shown.{' '}
          <button type="button" onClick={refresh}>
            Show earlier events
          </button>
        </p>
      )}
      {summary.data !== undefined && summary.data.events > 0 && (
        <Histogram summary={summary.data} onRange={(from, to) => void navigate({ search: { ...search, from, to } })} />
      )}
      {summary.error !== null && pages.error === null && (
        <ErrorState what="The counts" error={summary.error} retry={() => void summary.refetch()} />
      )}
      {pages.error !== null && pages.data !== undefined && (
        <ErrorState
          what={pages.isFetchNextPageError ? 'More events' : 'Newer events'}
          error={pages.error}
          retry={() => void (pages.isFetchNextPageError ? pages.fetchNextPage() : pages.refetch())}
        />
      )}
      {rows.length > 0 && (
        <div className={styles.proof}>
          <Suspense fallback={null}>
            <ProofLine shown={rows} name={key} />
          </Suspense>
        </div>
      )}
      <div className={styles.found}>
        {summary.data !== undefined && rows.length > 0 && <Facets summary={summary.data} search={search} />}
        {pages.error !== null && pages.data === undefined ? (
          <ErrorState error={pages.error} retry={() => void pages.refetch()} />
        ) : pages.data === undefined ? (
          <Loading what="events" />
        ) : rows.length === 0 ? (
          <PageState
            title="No events"
            action={
              Object.keys(query).length > 0 ? (
                <Link to="/" className="button">
                  Remove every filter
                </Link>
              ) : undefined
            }
          >
            {Object.keys(query).length > 0
              ? 'No events that you may see match these filters and this period.'
              : 'There are no events yet that you may see.'}
          </PageState>
        ) : (
          <TrailTable
            rows={rows}
            columns={parseColumns(chosen)}
            isMore={pages.hasNextPage}
            asks={!isCut && asksByItself(pages)}
            onEnd={() => void pages.fetchNextPage()}
          />
        )}
      </div>
    </div>
  );
}
