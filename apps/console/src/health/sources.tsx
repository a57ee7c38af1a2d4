import { Link } from '@tanstack/react-router';
import { lengthText } from '../ui/time-text.js';
import { Time } from '../ui/time.js';
import { Untrusted } from '../ui/untrusted.js';
import { missingText, spanText } from './findings.js';
import { type Overview } from './health-answers.js';
import { sourcesOf, type SourceHealth } from './source-health.js';
import styles from './health.module.css';

/** Ranges of missing numbers that are written out. */
const SHOWN = 5;

function Missing({ arrived }: { readonly arrived: NonNullable<SourceHealth['arrived']> }) {
  const { missing, gap_since: since } = arrived;
  if (missing.length === 0) return <>nothing</>;
  return (
    <>
      {missingText(arrived)}:{' '}
      {missing
        .slice(0, SHOWN)
        .map(({ first, last }) => (first === last ? first : `${first} to ${last}`))
        .join(', ')}
      {missing.length > SHOWN && ' …'}
      {since !== null && (
        <>
          , since <Time at={since} relative />
        </>
      )}
    </>
  );
}

/** A source's report: three cells of its row. */
function Reported({ health: { source, reports, silent } }: { readonly health: SourceHealth }) {
  const [newest] = reports;
  if (newest === undefined)
    return (
      <>
        <td>not reported</td>
        <td>not reported</td>
        <td>never</td>
      </>
    );
  const { pending, oldest_seconds: oldest } = newest.outbox;
  const feeds = new Set(reports.flatMap(({ revocation_feed: feed }) => feed?.state ?? []));
  const lags = reports.flatMap(({ revocation_feed: feed }) => feed?.lag_ms ?? []);
  return (
    <>
      <td>
        {pending.toLocaleString('en')}
        {pending > 0 && `, the oldest for ${spanText(oldest)}`}
      </td>
      <td>
        {feeds.size === 0 ? 'does not use revocations' : [...feeds].join(', ')}
        {lags.length > 0 && `, the last one after ${lengthText(Math.max(...lags))}`}
      </td>
      <td className={silent ? styles.bad : undefined}>
        {source === 'audit' && reports.length === 1 ? 'this page' : <Time at={newest.heard_at} relative />}
        {reports.length > 1 && `, ${String(reports.length)} replicas`}
      </td>
    </>
  );
}

/** Each source: how far its events are in the trail, what is missing, and what it reports. */
export function Sources({ overview }: { readonly overview: Overview }) {
  return (
    <div className={styles.scroll} role="region" aria-label="Table of sources" tabIndex={0}>
      <table className={styles.table}>
        <thead>
          <tr>
            <th scope="col">Source</th>
            <th scope="col">Complete through</th>
            <th scope="col">Missing</th>
            <th scope="col">Last event received</th>
            <th scope="col">Waiting in its outbox</th>
            <th scope="col">Revocations</th>
            <th scope="col">Last report</th>
          </tr>
        </thead>
        <tbody>
          {sourcesOf(overview).map((health) => {
            const { source, arrived, silent } = health;
            return (
              <tr key={source} className={arrived?.alert === true || silent ? styles.bad : undefined}>
                <th scope="row">
                  <Link to="/" search={{ source }}>
                    <Untrusted text={source} brief />
                  </Link>
                </th>
                <td>{arrived?.through ?? 'no event yet'}</td>
                <td>{arrived === undefined ? 'nothing' : <Missing arrived={arrived} />}</td>
                <td>{arrived?.advanced_at == null ? 'never' : <Time at={arrived.advanced_at} relative />}</td>
                <Reported health={health} />
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
