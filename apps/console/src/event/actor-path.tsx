import { Link } from '@tanstack/react-router';
import { type TrailEvent } from '../api/events.js';
import { Untrusted } from '../ui/untrusted.js';
import styles from './event.module.css';

interface Station {
  readonly role: string;
  readonly name: string;
  readonly search: Readonly<Record<string, string>>;
}

/** The subject, its application, the services in between, and the service called. */
function stationsOf({ source, data: { principal } }: TrailEvent): readonly Station[] {
  const at: Station = { role: 'recorded by', name: source, search: { source } };
  if (principal === null) return [at];
  const { subject, client_id: client, actors } = principal;
  const kind = subject.startsWith('person:')
    ? 'person'
    : subject.includes('|')
      ? 'person of another issuer'
      : 'subject';
  return [
    { role: kind, name: subject, search: { subject } },
    ...(client === subject ? [] : [{ role: 'client', name: client, search: { client } }]),
    // The token lists them newest first; here oldest first.
    ...actors.toReversed().map((actor): Station => ({ role: 'acting', name: actor, search: { actor } })),
    at,
  ];
}

/** The chain of actors as a path. */
export function ActorPath({ event }: { readonly event: TrailEvent }) {
  const stations = stationsOf(event);
  return (
    <ol className={styles.path} aria-label="Who acted for whom">
      {event.data.principal === null && (
        <li className={styles.nobody}>
          <small>caller</small>
          <span>no caller could be verified</span>
        </li>
      )}
      {stations.map(({ role, name, search }) => (
        <li key={`${role} ${name}`}>
          <small>{role}</small>
          <Link to="/" search={search}>
            <Untrusted text={name} limit={64} brief />
          </Link>
        </li>
      ))}
    </ol>
  );
}
