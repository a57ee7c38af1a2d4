import { useQueries, useQuery } from '@tanstack/react-query';
import { type Principal } from '../api/events.js';
import { sessionQuery } from '../api/session.js';
import { localText } from '../ui/time-text.js';
import { departedQuery } from './departed-query.js';
import styles from './departed-mark.module.css';
import { endOf, namesOf } from './departures.js';

/** Marks an actor as departed, and says whether the action was before or after that. */
export function DepartedMark({ principal, time }: { readonly principal: Principal; readonly time: string }) {
  const { data: session } = useQuery(sessionQuery);
  // A person who sees only their own actions sees nobody's departure.
  const enabled = session?.scopes.includes('audit:read') === true;
  const departure = useQueries({
    queries: namesOf(principal).map((name) => ({ ...departedQuery(name), enabled })),
    combine: endOf,
  });
  if (departure === undefined) return null;
  if (departure === 'unknown')
    return (
      <em className={styles.departed} title="Whether this actor was disabled or revoked could not be loaded">
        departed?
      </em>
    );
  const { how, at } = departure;
  const isAfter = Date.parse(time) > Date.parse(at);
  return (
    <em className={styles.departed} title={`${how} ${localText(new Date(at))}`}>
      <span aria-hidden="true">⊘</span> {isAfter ? `already ${how}` : `${how} since`}
    </em>
  );
}
