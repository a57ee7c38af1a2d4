import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { ask, valueOf } from '../api/client.js';
import { ErrorState, Loading, PageState } from '../ui/page-state.js';
import { lengthText } from '../ui/time-text.js';
import { Time } from '../ui/time.js';
import { Untrusted } from '../ui/untrusted.js';
import { callMapSchema, volumeOf, type CallMap, type Calls } from './call-map.js';
import { MapPicture } from './map-picture.js';
import { boundsOf, periods } from './map-search.js';
import styles from './map.module.css';

const route = getRouteApi('/map');
const number = (value: number): string => value.toLocaleString('en');

/** The trail's filters that find a pair's events. */
function filterOf({ caller, callee }: Calls, { from, to }: CallMap) {
  return { source: callee, from, to, ...(caller === null ? { outcome: 'denied' as const } : { client: caller }) };
}

function Caller({ caller }: { readonly caller: string | null }) {
  return caller === null ? <em>unverified callers</em> : <Untrusted text={caller} brief />;
}

function PairRow({ calls, map }: { readonly calls: Calls; readonly map: CallMap }) {
  const { caller, callee, allowed, denied, failed, times } = calls;
  const volume = volumeOf(calls);
  return (
    <tr>
      <th scope="row">
        <Link to="/" search={filterOf(calls, map)}>
          <Caller caller={caller} /> → <Untrusted text={callee} brief />
        </Link>
      </th>
      <td>{number(volume)}</td>
      <td>{number(allowed)}</td>
      <td data-some={denied > 0}>{number(denied)}</td>
      <td data-some={failed > 0}>{number(failed)}</td>
      <td>{volume === 0 ? '' : `${((denied / volume) * 100).toFixed(1)} %`}</td>
      <td>{times === null ? '–' : lengthText(times.median_ms)}</td>
      <td>{times === null ? '–' : lengthText(times.p95_ms)}</td>
    </tr>
  );
}

function PairTable({ map }: { readonly map: CallMap }) {
  return (
    <div className={styles.scroll} role="region" aria-labelledby="pairs" tabIndex={0}>
      <table className={styles.table}>
        <caption id="pairs">
          Who called whom, from <Time at={map.from} /> to <Time at={map.to} />. Select a row to see its events.
        </caption>
        <thead>
          <tr>
            <th scope="col">Caller and service</th>
            <th scope="col">Events</th>
            <th scope="col">Allowed</th>
            <th scope="col">Refused</th>
            <th scope="col">Failed</th>
            <th scope="col">Refused, share</th>
            <th scope="col">Time, median</th>
            <th scope="col">Time, 95 %</th>
          </tr>
        </thead>
        <tbody>
          {map.calls.map((calls) => (
            <PairRow key={`${calls.caller ?? ''}\n${calls.callee}`} calls={calls} map={map} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Periods() {
  const { last, from, to } = route.useSearch();
  const navigate = route.useNavigate();
  const chosen = last ?? (from === undefined && to === undefined ? 'day' : undefined);
  return (
    <div className={styles.periods}>
      <nav aria-label="Period" className={styles.presets}>
        {periods.map(({ name, title }) => (
          <Link key={name} to="/map" search={{ last: name }} aria-current={chosen === name ? 'true' : undefined}>
            {title}
          </Link>
        ))}
      </nav>
      <form
        onSubmit={(submitted) => {
          submitted.preventDefault();
          const said = new FormData(submitted.currentTarget);
          const timeOf = (field: string): string | undefined => {
            const text = said.get(field);
            const at = typeof text === 'string' && text !== '' ? new Date(text) : undefined;
            return at === undefined || Number.isNaN(at.getTime()) ? undefined : at.toISOString();
          };
          void navigate({ search: { from: timeOf('from'), to: timeOf('to') } });
        }}
      >
        <label>
          From <input type="datetime-local" name="from" />
        </label>
        <label>
          to <input type="datetime-local" name="to" />
        </label>
        <button type="submit">Show</button>
      </form>
    </div>
  );
}

function Map() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const { data, error, refetch } = useQuery({
    queryKey: ['calls', search],
    queryFn: async ({ signal }) =>
      valueOf(await ask(callMapSchema, '/events/calls', { query: boundsOf(search, new Date()), signal })),
  });
  if (data === undefined)
    return error === null ? (
      <Loading what="who called whom" />
    ) : (
      <ErrorState error={error} retry={() => void refetch()} />
    );
  if (data.calls.length === 0) return <PageState title="No calls in this period">Choose a longer one.</PageState>;
  return (
    <>
      {error !== null && <ErrorState what="Newer events" error={error} retry={() => void refetch()} />}
      <MapPicture
        calls={data.calls}
        open={(calls) => {
          void navigate({ to: '/', search: filterOf(calls, data) });
        }}
      />
      <PairTable map={data} />
      {data.left_out > 0 && <p>{number(data.left_out)} pairs with fewer events are left out.</p>}
      <p className={styles.note}>
        Refusals of unverified callers are counted one by one. Times are from the first to the last event that a service
        recorded of one transaction, over the newest {number(data.timed_events)} events: an event says when something
        was done, not how long it took.
      </p>
    </>
  );
}

/** Who calls whom: services and applications, how often, how often they are refused, how long calls take. */
export function WhoCallsWhom() {
  return (
    <div className={styles.map}>
      <h1>Who calls whom</h1>
      <Periods />
      <Map />
    </div>
  );
}
