import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { Time, useNow } from '../ui/time.js';
import { Untrusted } from '../ui/untrusted.js';
import { AccessTable, type Column } from './access-table.js';
import styles from './access.module.css';
import { ChangeButtons } from './change-buttons.js';
import { endsSoon, leftText, WARNING_DAYS, warningBound } from './expiry.js';
import { delegationsSchema, type DelegationAnswer } from './issuer-answers.js';
import { askIssuer } from './issuer-queries.js';
import { Paged } from './paged.js';
import { endOfDelegation, type PlannedChange } from './planned-change.js';

interface ConsentsProps {
  readonly client: string | undefined;
  readonly person: string | undefined;
  readonly plan: (change: PlannedChange) => void;
}

/** When it ends in any case, and when it ends unless it is used. */
function End({ consent, now }: { readonly consent: DelegationAnswer; readonly now: number }) {
  const { ends_at: end, unused_ends_at: unused } = consent;
  if (typeof end !== 'string') return null;
  return (
    <>
      <span title={end}>{leftText(end, now)}</span>
      {typeof unused === 'string' && unused < end && (
        <span title={unused} className={styles.soft}>
          {' '}
          (unused: {leftText(unused, now)})
        </span>
      )}
    </>
  );
}

const columnsOf = (now: number, plan: ConsentsProps['plan']): readonly Column<DelegationAnswer>[] => [
  {
    title: 'Person',
    cell: ({ person_id: id, person_name: name }) => (
      <Link to="/access" search={{ part: 'consents', person: id }}>
        <Untrusted text={name ?? id} limit={60} brief />
      </Link>
    ),
  },
  {
    title: 'Application',
    cell: ({ client_id: id }) => (
      <Link to="/access" search={{ part: 'consents', client: id }}>
        <Untrusted text={id} brief />
      </Link>
    ),
  },
  {
    title: 'May do',
    cell: ({ audience, scope }) => (
      <>
        <Untrusted text={scope} limit={120} brief /> at <Untrusted text={audience} brief />
      </>
    ),
  },
  { title: 'Since', cell: ({ created_at: at }) => <Time at={at} relative /> },
  { title: 'Ends in', cell: (consent) => <End consent={consent} now={now} /> },
  {
    title: 'Last used',
    cell: ({ id, last_used_at: at }) => (
      <Link to="/" search={{ txn: id }}>
        {typeof at === 'string' ? <Time at={at} relative /> : 'never'}
      </Link>
    ),
  },
  {
    title: 'Change',
    cell: ({ id, person_id: of, person_name: name, client_id: to }) => (
      <ChangeButtons changes={[{ label: 'End', change: endOfDelegation(id, name ?? of, to) }]} plan={plan} />
    ),
  },
];

/** What people must soon allow again, however much it is used; what ends with a session does not count. */
function EndingSoon({ client, person, plan }: ConsentsProps) {
  const now = useNow();
  const [before] = useState(() => warningBound(now));
  const { data } = useQuery({
    queryKey: ['issuer', 'delegations', 'ending', client, person, before],
    queryFn: async ({ signal }) => {
      const query = { ends_before: before, client_id: client, person_id: person, limit: 200 };
      return (await askIssuer(delegationsSchema, 'admin/delegations', { query, signal })).delegations;
    },
  });
  if (data === undefined || data.length === 0) return null;
  return (
    <section className={styles.warning} aria-label="Permissions that end soon">
      <h3>
        {data.length === 1 ? 'One permission ends' : `${String(data.length)} permissions end`} within {WARNING_DAYS}{' '}
        days: the person must then allow it again
      </h3>
      <AccessTable
        caption="Permissions that end soon, the first to end first"
        empty=""
        rows={data}
        idOf={({ id }) => id}
        isUrgent={({ ends_at: end }) => typeof end === 'string' && endsSoon(end, now)}
        columns={columnsOf(now, plan)}
      />
    </section>
  );
}

/** What people allowed applications to do, and has not ended. */
export function Consents({ client, person, plan }: ConsentsProps) {
  const now = useNow();
  return (
    <>
      <EndingSoon client={client} person={person} plan={plan} />
      <Paged
        what="permissions"
        name={['delegations', client, person]}
        load={async (cursor, signal) => {
          const query = { limit: 50, cursor, client_id: client, person_id: person };
          const answer = await askIssuer(delegationsSchema, 'admin/delegations', { query, signal });
          return { rows: answer.delegations, next: answer.next_cursor ?? undefined };
        }}
      >
        {(rows: readonly DelegationAnswer[]) => (
          <AccessTable
            caption="What people allowed applications to do"
            empty="Nobody has allowed an application anything"
            rows={rows}
            idOf={({ id }) => id}
            columns={columnsOf(now, plan)}
          />
        )}
      </Paged>
    </>
  );
}
