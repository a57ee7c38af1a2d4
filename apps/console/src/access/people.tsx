import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { ErrorState, Loading } from '../ui/page-state.js';
import { Time } from '../ui/time.js';
import { Untrusted } from '../ui/untrusted.js';
import { AccessTable, type Column } from './access-table.js';
import styles from './access.module.css';
import { ChangeButtons } from './change-buttons.js';
import { peopleSchema, personDetailSchema, type PersonAnswer, type PersonSessionAnswer } from './issuer-answers.js';
import { askIssuer } from './issuer-queries.js';
import { PagedTable } from './paged-table.js';
import { personChange } from './person-changes.js';
import { type PlannedChange } from './planned-change.js';
import { Status } from './status.js';

function changesOf({ id, name, status }: PersonAnswer) {
  if (status === 'disabled') return [{ label: 'Enable', change: personChange.enable(id, name) }];
  return [
    { label: 'End the sessions', change: personChange.endSessions(id, name) },
    { label: 'Disable', change: personChange.disable(id, name) },
  ];
}

interface Planning {
  readonly plan: (change: PlannedChange) => void;
}

const table = {
  caption: 'People who have signed in',
  empty: 'Nobody has signed in',
  idOf: ({ id }: PersonAnswer) => id,
};

const columnsOf = (plan: Planning['plan']): readonly Column<PersonAnswer>[] => [
  {
    title: 'Person',
    cell: ({ id, name, email }) => (
      <>
        <Link to="/access" search={{ part: 'people', person: id }}>
          <Untrusted text={name} limit={60} brief />
        </Link>{' '}
        <span className={styles.under}>
          <Untrusted text={email ?? ''} limit={60} brief />
        </span>
      </>
    ),
  },
  { title: 'Status', cell: ({ status }) => <Status status={status} /> },
  { title: 'Roles', cell: ({ roles }) => <Untrusted text={roles.join(' ')} limit={120} brief /> },
  { title: 'Provider', cell: ({ provider }) => <Untrusted text={provider} brief /> },
  {
    title: 'Last signed in',
    cell: ({ id, signed_in_at: at }) => (
      <Link to="/" search={{ subject: id }}>
        <Time at={at} relative />
      </Link>
    ),
  },
  {
    title: 'Allowed',
    cell: ({ id }) => (
      <Link to="/access" search={{ part: 'consents', person: id }}>
        consents
      </Link>
    ),
  },
  { title: 'Change', cell: (row) => <ChangeButtons changes={changesOf(row)} plan={plan} /> },
];

/** One person, and their live sessions. */
function OnePerson({ person, plan }: Planning & { readonly person: string }) {
  const { data, error, refetch } = useQuery({
    queryKey: ['issuer', 'person', person],
    queryFn: ({ signal }) => askIssuer(personDetailSchema, `admin/people/${encodeURIComponent(person)}`, { signal }),
  });
  if (data === undefined && error !== null) return <ErrorState error={error} retry={() => void refetch()} />;
  if (data === undefined) return <Loading what="the person" />;
  return (
    <>
      {error !== null && (
        <ErrorState what="The latest state of the person" error={error} retry={() => void refetch()} />
      )}
      <AccessTable {...table} rows={[data]} columns={columnsOf(plan)} />
      <AccessTable
        caption={`Live sessions, most recently used first${data.more_sessions === true ? '; there are more than these' : ''}`}
        empty="No live sessions"
        rows={data.sessions}
        idOf={({ id }) => id}
        columns={[
          {
            title: 'Device',
            cell: ({ device }: PersonSessionAnswer) => <Untrusted text={device} limit={80} brief />,
          },
          { title: 'Network', cell: ({ network }) => <Untrusted text={network} brief /> },
          { title: 'Signed in', cell: ({ authenticated_at: at }) => <Time at={at} relative /> },
          { title: 'By', cell: ({ amr }) => <Untrusted text={(amr ?? []).join(' ')} brief /> },
          { title: 'Last seen', cell: ({ seen_at: at }) => <Time at={at} relative /> },
          {
            title: 'Change',
            cell: (session) => (
              <ChangeButtons
                changes={[{ label: 'End', change: personChange.endSession(data.id, data.name, session) }]}
                plan={plan}
              />
            ),
          },
        ]}
      />
    </>
  );
}

/** People who have signed in; one of them with their sessions. */
export function People({ person, plan }: Planning & { readonly person: string | undefined }) {
  if (person !== undefined) return <OnePerson person={person} plan={plan} />;
  return (
    <PagedTable
      {...table}
      what="people"
      name={['people']}
      load={async (query, signal) => {
        const { people: rows, next_cursor } = await askIssuer(peopleSchema, 'admin/people', { query, signal });
        return { rows, next_cursor };
      }}
      columns={() => columnsOf(plan)}
    />
  );
}
