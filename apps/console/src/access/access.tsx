import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { ApiProblem } from '../api/problem.js';
import { ErrorState, Loading, PageState } from '../ui/page-state.js';
import { Untrusted } from '../ui/untrusted.js';
import { type AccessPart, type AccessSearch, parts } from './access-search.js';
import styles from './access.module.css';
import { ApiKeys } from './api-keys.js';
import { ChangeDialog } from './change-dialog.js';
import { Clients } from './clients.js';
import { Consents } from './consents.js';
import { keysSchema } from './issuer-answers.js';
import { askIssuer } from './issuer-queries.js';
import { Keys } from './keys.js';
import { People } from './people.js';
import { type PlannedChange } from './planned-change.js';
import { Revocations } from './revocations.js';

const route = getRouteApi('/access');
const titles: Readonly<Record<AccessPart, string>> = {
  clients: 'Clients',
  people: 'People',
  consents: 'People’s consents',
  'api-keys': 'API keys',
  keys: 'Signing keys',
  revocations: 'Revocations',
};

/** For a person who has not requested their rights at the issuer yet, or has none there. */
function WithoutRights({ asked }: { readonly asked: boolean }) {
  const back = '/access?asked=yes';
  const address = `/console/sign-in?${new URLSearchParams({ for: 'issuer', return_to: back }).toString()}`;
  if (asked)
    return (
      <PageState title="You may not see this">
        <p>Your roles do not include issuer:admin, which is required to see or change who has access.</p>
        <p>Ask the people who run the issuer; they can find this refusal in the trail.</p>
      </PageState>
    );
  return (
    <PageState
      title="Use your rights at the issuer?"
      action={
        <a className="button" href={address}>
          Use my rights at the issuer
        </a>
      }
    >
      So far this console only reads the trail for you. This screen also needs your right issuer:admin; your request for
      it is recorded.
    </PageState>
  );
}

function Filter({ search }: { readonly search: AccessSearch }) {
  const { part = 'clients', client, person } = search;
  const said = client ?? person;
  if (said === undefined) return null;
  return (
    <p className={styles.filters}>
      Only for <Untrusted text={said} limit={60} brief />
      <Link to="/access" search={{ part }}>
        Show all
      </Link>
    </p>
  );
}

function Part({ search, plan }: { readonly search: AccessSearch; readonly plan: (change: PlannedChange) => void }) {
  const { part = 'clients', client, person, kind } = search;
  switch (part) {
    case 'clients':
      return <Clients plan={plan} />;
    case 'people':
      return <People person={person} plan={plan} />;
    case 'consents':
      return <Consents client={client} person={person} plan={plan} />;
    case 'api-keys':
      return <ApiKeys client={client} plan={plan} />;
    case 'keys':
      return (
        <>
          <Keys purpose="keys" plan={plan} />
          <Keys purpose="revocation-keys" plan={plan} />
        </>
      );
    case 'revocations':
      return <Revocations kind={kind} plan={plan} />;
  }
}

/** Who and what has access, and how to end it. */
export function Access() {
  const search = route.useSearch();
  const [planned, setPlanned] = useState<PlannedChange>();
  const [done, setDone] = useState('');
  const made = useRef(false);
  const heading = useRef<HTMLHeadingElement>(null);
  const plan = (change: PlannedChange): void => {
    setDone('');
    made.current = false;
    setPlanned(change);
  };
  // Whether the person has the right at all is checked once, before any list.
  const { error, isPending, refetch } = useQuery({
    queryKey: ['issuer', 'keys'],
    queryFn: async ({ signal }) => (await askIssuer(keysSchema, 'admin/keys', { signal })).keys,
  });
  const missing = error instanceof ApiProblem && error.status === 403;
  const { part: shown = 'clients' } = search;
  return (
    <div className={styles.access}>
      <h1 ref={heading} tabIndex={-1}>
        Access
      </h1>
      <p className="visually-hidden" role="status">
        {done !== '' && <Untrusted text={done} brief />}
      </p>
      {missing && <WithoutRights asked={search.asked === 'yes'} />}
      {!missing && error !== null && <ErrorState error={error} retry={() => void refetch()} />}
      {isPending && <Loading what="access" />}
      {!isPending && error === null && (
        <>
          <nav aria-label="Access sections" className={styles.parts}>
            {parts.map((part) => (
              <Link key={part} to="/access" search={{ part }} aria-current={part === shown ? 'page' : undefined}>
                {titles[part]}
              </Link>
            ))}
          </nav>
          <h2 className="visually-hidden">{titles[shown]}</h2>
          <Filter search={search} />
          <Part search={search} plan={plan} />
        </>
      )}
      {planned !== undefined && (
        <ChangeDialog
          change={planned}
          onDone={() => {
            made.current = true;
            setDone(`Done: ${planned.title}.`);
          }}
          onClose={() => {
            setPlanned(undefined);
            // After a change the button that opened it is gone; without one the browser returns the focus to it.
            if (made.current) heading.current?.focus();
          }}
        />
      )}
    </div>
  );
}
