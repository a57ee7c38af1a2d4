import { Link } from '@tanstack/react-router';
import { Time } from '../ui/time.js';
import { Untrusted } from '../ui/untrusted.js';
import { missingOf } from './findings.js';
import { type Overview } from './health-answers.js';
import styles from './health.module.css';

/** Ranges of missing numbers that are written out. */
const SHOWN = 5;

/** Each source: how far its events are in the trail, and what is missing. */
export function Sources({ sources }: { readonly sources: Overview['sources'] }) {
  if (sources.length === 0) return <p>No service has sent an event yet.</p>;
  return (
    <div className={styles.scroll} role="region" aria-label="Table of sources" tabIndex={0}>
      <table className={styles.table}>
        <thead>
          <tr>
            <th scope="col">Source</th>
            <th scope="col">Complete through</th>
            <th scope="col">Missing</th>
            <th scope="col">Last event received</th>
          </tr>
        </thead>
        <tbody>
          {sources.map((source) => (
            <tr key={source.source} className={source.alert ? styles.bad : undefined}>
              <th scope="row">
                <Link to="/" search={{ source: source.source }}>
                  <Untrusted text={source.source} brief />
                </Link>
              </th>
              <td>{source.through}</td>
              <td>
                {source.missing.length === 0 && 'nothing'}
                {source.missing.length > 0 && (
                  <>
                    {missingOf(source).toString()}:{' '}
                    {source.missing
                      .slice(0, SHOWN)
                      .map(({ first, last }) => (first === last ? first : `${first} to ${last}`))
                      .join(', ')}
                    {source.missing.length > SHOWN && ' …'}
                    {source.gap_since !== null && (
                      <>
                        , since <Time at={source.gap_since} relative />
                      </>
                    )}
                  </>
                )}
              </td>
              <td>{source.advanced_at === null ? 'never' : <Time at={source.advanced_at} relative />}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
