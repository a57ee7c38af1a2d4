import { Link } from '@tanstack/react-router';
import { Time } from '../ui/time.js';
import { Untrusted } from '../ui/untrusted.js';
import { AccessTable } from './access-table.js';
import { ChangeButtons } from './change-buttons.js';
import { delegationsSchema, type DelegationAnswer } from './issuer-answers.js';
import { askIssuer } from './issuer-queries.js';
import { Paged } from './paged.js';
import { endOfDelegation, type PlannedChange } from './planned-change.js';

interface ConsentsProps {
  readonly client: string | undefined;
  readonly person: string | undefined;
  readonly plan: (change: PlannedChange) => void;
}

/** What people allowed applications to do, and has not ended. */
export function Consents({ client, person, plan }: ConsentsProps) {
  return (
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
          columns={[
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
          ]}
        />
      )}
    </Paged>
  );
}
