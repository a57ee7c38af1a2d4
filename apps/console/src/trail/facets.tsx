import { Link } from '@tanstack/react-router';
import { Untrusted } from '../ui/untrusted.js';
import { type Summary } from './summary.js';
import { type TrailSearch } from '../filters/trail-search.js';
import styles from './trail.module.css';

const shown = [
  ['outcome', 'Outcome'],
  ['source', 'Service'],
  ['client', 'Client'],
  ['subject', 'Subject'],
  ['action', 'Action'],
] as const;

/** The most frequent values of the results; a click filters by one, another click removes the filter. */
export function Facets({ summary, search }: { readonly summary: Summary; readonly search: TrailSearch }) {
  return (
    <aside className={styles.facets} aria-label="Narrow by value">
      {shown.map(([field, title]) => (
        <section key={field}>
          <h2>{title}</h2>
          <ul>
            {summary.facets[field].slice(0, 8).map(({ value, events }) => {
              const chosen = search[field] === value;
              return (
                <li key={value}>
                  <Link
                    from="/"
                    to="/"
                    search={{ ...search, [field]: chosen ? undefined : value }}
                    className={chosen ? styles.chosen : undefined}
                  >
                    <Untrusted text={value} limit={48} brief shortIds />
                    {chosen && <span className="visually-hidden"> (chosen; remove)</span>}
                  </Link>
                  <span>{events.toLocaleString('en')}</span>
                </li>
              );
            })}
          </ul>
        </section>
      ))}
      {!summary.exact && <p>Counted among the newest {summary.facets_of.toLocaleString('en')}.</p>}
    </aside>
  );
}
