import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type Principal } from '../api/events.js';
import { ErrorState } from '../ui/page-state.js';
import { Untrusted } from '../ui/untrusted.js';
import { changesOf, valueText } from './changes.js';
import { tokenQuery } from './event-queries.js';
import styles from './event.module.css';

/** The claims of the token used, as far as the trail knows them; never the token. */
export function TokenBehind({ principal }: { readonly principal: Principal }) {
  const { data: issued, error, refetch } = useQuery(tokenQuery(principal.jti));
  const claims: readonly (readonly [string, string])[] = [
    ['sub', principal.subject],
    ['client_id', principal.client_id],
    ...(principal.actors.length === 0 ? [] : [['act', principal.actors.join(' ← ')] as const]),
    ['scope', principal.scopes.join(' ')],
    ['jti', principal.jti],
  ];
  const said = issued === undefined || issued === null ? [] : changesOf(issued.event.data.changes ?? {});
  return (
    <>
      <dl className={styles.pairs}>
        {claims.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value === '' ? '–' : <Untrusted text={value} />}</dd>
          </div>
        ))}
        {principal.api_key !== undefined && (
          <div>
            <dt>API key</dt>
            <dd>
              <Link to="/" search={{ api_key: principal.api_key.id }}>
                <Untrusted text={principal.api_key.name} brief />
              </Link>{' '}
              <Untrusted text={principal.api_key.id} brief />
            </dd>
          </div>
        )}
      </dl>
      {error !== null && <ErrorState what="The issuer’s event" error={error} retry={() => void refetch()} />}
      {issued === null && <p>The trail has no issuer event about this token that you may see.</p>}
      {issued !== undefined && issued !== null && (
        <>
          <p>
            <Link to="/event/$index" params={{ index: issued.log_index }}>
              How the issuer issued it
            </Link>
          </p>
          <dl className={styles.pairs}>
            {said.map((change) => (
              <div key={change.path}>
                <dt>{change.path}</dt>
                <dd>
                  <Untrusted text={valueText(change.kind === 'said' ? change.value : change.after)} />
                </dd>
              </div>
            ))}
          </dl>
        </>
      )}
    </>
  );
}
