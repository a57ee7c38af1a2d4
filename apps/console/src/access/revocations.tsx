import { Link } from '@tanstack/react-router';
import { useState, type SyntheticEvent } from 'react';
import { Time } from '../ui/time.js';
import { Untrusted } from '../ui/untrusted.js';
import styles from './access.module.css';
import { type RevocationKind } from './access-search.js';
import { revocationsSchema, type RevocationAnswer } from './issuer-answers.js';
import { askIssuer } from './issuer-queries.js';
import { PagedTable } from './paged-table.js';
import { type PlannedChange } from './planned-change.js';
import { revocable, revocationOf, type Revocable } from './revocation-changes.js';

const resources: Readonly<Record<RevocationKind, string>> = {
  token: 'token',
  transaction: 'transaction',
  client: 'client',
  subject: 'subject',
  'api-key': 'api-key',
  key: 'signing-key',
};

/** Names what is to be revoked. */
function NewRevocation({ plan }: { readonly plan: (change: PlannedChange) => void }) {
  const [kind, setKind] = useState<Revocable>('token');
  const [name, setName] = useState('');
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault();
    if (name.trim() !== '') plan(revocationOf(kind, name.trim()));
  };
  return (
    <form className={styles.filters} onSubmit={submit}>
      <label>
        Revoke a{' '}
        <select
          value={kind}
          onChange={({ target }) => {
            setKind(revocable.find((one) => one === target.value) ?? 'token');
          }}
        >
          {revocable.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
      </label>
      <label>
        named{' '}
        <input
          required
          maxLength={500}
          value={name}
          onChange={({ target }) => {
            setName(target.value);
          }}
        />
      </label>
      <button type="submit">Revoke …</button>
    </form>
  );
}

interface RevocationsProps {
  readonly kind: RevocationKind | undefined;
  readonly plan: (change: PlannedChange) => void;
}

/** What is refused although its signature is valid, newest first. */
export function Revocations({ kind, plan }: RevocationsProps) {
  return (
    <>
      <NewRevocation plan={plan} />
      <PagedTable
        what="revocations"
        name={['revocations', kind]}
        caption="Revocations"
        empty="Nothing is revoked"
        load={async (query, signal) => {
          const { revocations: rows, next_cursor } = await askIssuer(revocationsSchema, 'admin/revocations', {
            query: { ...query, kind },
            signal,
          });
          return { rows, next_cursor };
        }}
        idOf={(row: RevocationAnswer) => `${row.kind} ${row.name}`}
        columns={() => [
          { title: 'Kind', cell: (row) => row.kind },
          {
            title: 'Name',
            cell: (row) => (
              <Link to="/" search={{ resource: `${resources[row.kind]}/${row.name}` }}>
                <Untrusted text={row.name} limit={60} brief />
              </Link>
            ),
          },
          { title: 'By', cell: ({ revoked_by: by }) => <Untrusted text={by} limit={60} brief /> },
          { title: 'When', cell: ({ revoked_at: at }) => <Time at={at} relative /> },
          { title: 'Reason', cell: ({ reason = '' }) => <Untrusted text={reason} limit={120} brief /> },
          { title: 'Needed until', cell: ({ until }) => <Time at={until} /> },
          { title: 'At the services', cell: ({ pushed }) => (pushed ? 'yes' : 'not yet') },
        ]}
      />
    </>
  );
}
