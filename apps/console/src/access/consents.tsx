import { Link } from '@tanstack/react-router';
import { type Request } from '../api/client.js';
import { Time, useNow } from '../ui/time.js';
import { Untrusted } from '../ui/untrusted.js';
import { type Column } from './access-table.js';
import styles from './access.module.css';
import { ChangeButtons } from './change-buttons.js';
import { EndingSoon } from './ending-soon.js';
import { endsSoon, leftText } from './expiry.js';
import { delegationsSchema, type DelegationAnswer } from './issuer-answers.js';
import { askIssuer } from './issuer-queries.js';
import { PagedTable } from './paged-table.js';
import { endOfDelegation } from './person-changes.js';
import { type PlannedChange } from './planned-change.js';

interface ConsentsProps {
  readonly client: string | undefined;
  readonly person: string | undefined;
  readonly plan: (change: PlannedChange) => void;
}

/** When it expires in any case, and when it expires unless it is used. */
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

/** Live consents of people to applications; above them those that must soon be given again, however much they are used. */
export function Consents({ client, person, plan }: ConsentsProps) {
  const now = useNow();
  const load = async (query: Request['query'], signal: AbortSignal) => {
    const { delegations: rows, next_cursor } = await askIssuer(delegationsSchema, 'admin/delegations', {
      query: { ...query, client_id: client, person_id: person },
      signal,
    });
    return { rows, next_cursor };
  };
  const table = { name: ['delegations', client, person], idOf: ({ id }: DelegationAnswer) => id };
  const columns = columnsOf(now, plan);
  return (
    <>
      <EndingSoon
        {...table}
        label="Permissions that expire soon"
        count={(ends) => (ends === 1 ? 'One permission expires' : `${String(ends)} permissions expire`)}
        so=": the person must then allow it again"
        load={async (query, signal) => (await load(query, signal)).rows}
        isUrgent={({ ends_at: end }) => typeof end === 'string' && endsSoon(end, now)}
        columns={columns}
      />
      <PagedTable
        {...table}
        what="permissions"
        caption="What people allowed applications to do"
        empty="Nobody has allowed an application to do anything"
        load={load}
        columns={() => columns}
      />
    </>
  );
}
